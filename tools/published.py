# ruff: noqa: INP001 - beside a script, not a package
"""Published sizes of common models of transformers: family, heads, and what differs from the configuration."""

from __future__ import annotations

from typing import Any, Final


def _bert(width: int, depth: int, heads: int, **more: Any) -> dict[str, Any]:
    return {
        "hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": heads,
        "intermediate_size": 4 * width, **more,
    }  # fmt: skip


_TASKS: Final = (
    "Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering",
)  # fmt: skip
_DECODES: Final = ("Model", "ForCausalLM", "ForSequenceClassification")
_SEES: Final = ("Model", "ForImageClassification")
_ROBERTA: Final = {"max_position_embeddings": 514, "type_vocab_size": 1}
_DEBERTA: Final = {
    "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False,
    "position_buckets": 256, "norm_rel_ebd": "layer_norm", "share_att_key": True, "type_vocab_size": 0,
    "max_relative_positions": -1,
}  # fmt: skip
_SIDE_384: Final = {"image_size": 384}


def _gpt2(width: int, depth: int, heads: int) -> dict[str, Any]:
    return {"n_embd": width, "n_layer": depth, "n_head": heads}


def _llama(width: int, depth: int, heads: int, shared: int, inner: int, **more: Any) -> dict[str, Any]:
    return {
        "hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": heads,
        "num_key_value_heads": shared, "intermediate_size": inner, **more,
    }  # fmt: skip


def _bart(width: int, depth: int, heads: int, **more: Any) -> dict[str, Any]:
    return {
        "d_model": width, "encoder_layers": depth, "decoder_layers": depth, "encoder_ffn_dim": 4 * width,
        "decoder_ffn_dim": 4 * width, "encoder_attention_heads": heads, "decoder_attention_heads": heads, **more,
    }  # fmt: skip


def _t5(width: int, inner: int, depth: int, heads: int, **more: Any) -> dict[str, Any]:
    return {"d_model": width, "d_kv": 64, "d_ff": inner, "num_layers": depth, "num_heads": heads, **more}


def _gated(width: int, inner: int, depth: int, heads: int) -> dict[str, Any]:
    return _t5(width, inner, depth, heads, feed_forward_proj="gated-gelu", tie_word_embeddings=False)


def _swin(width: int, depths: list[int], heads: list[int], window: int = 7, **more: Any) -> dict[str, Any]:
    return {"embed_dim": width, "depths": depths, "num_heads": heads, "window_size": window, **more}


def _stages(widths: list[int], depths: list[int]) -> dict[str, Any]:
    return {"hidden_sizes": widths, "depths": depths}


def _segformer(widths: list[int], depths: list[int], decoder: int) -> dict[str, Any]:
    return {"hidden_sizes": widths, "depths": depths, "decoder_hidden_size": decoder}


_BERTS: Final = (
    {}, _bert(1024, 24, 16), _bert(128, 2, 2), _bert(256, 4, 4), _bert(512, 4, 8), _bert(512, 8, 8),
    _bert(384, 6, 12), _bert(384, 12, 12), _bert(384, 3, 12), _bert(312, 4, 12, intermediate_size=1200),
)  # fmt: skip
_WIDE: Final = [96, 192, 384, 768]
_VITS: Final = (
    {}, _SIDE_384, {"patch_size": 32}, {"patch_size": 32, **_SIDE_384}, {"patch_size": 8},
    *(
        {**_bert(width, depth, heads), **more}
        for width, depth, heads in ((192, 12, 3), (384, 12, 6), (1024, 24, 16))
        for more in ({}, _SIDE_384, {"patch_size": 32})
    ),
    _bert(1280, 32, 16, patch_size=14),
)  # fmt: skip
_SWINS: Final = (
    {}, _swin(96, [2, 2, 18, 2], [3, 6, 12, 24]), _swin(128, [2, 2, 18, 2], [4, 8, 16, 32]),
    _swin(192, [2, 2, 18, 2], [6, 12, 24, 48]),
    _swin(128, [2, 2, 18, 2], [4, 8, 16, 32], 12, **_SIDE_384),
    _swin(192, [2, 2, 18, 2], [6, 12, 24, 48], 12, **_SIDE_384),
)  # fmt: skip
_CONVNEXTS: Final = (
    {}, _stages(_WIDE, [3, 3, 27, 3]), _stages([128, 256, 512, 1024], [3, 3, 27, 3]),
    _stages([192, 384, 768, 1536], [3, 3, 27, 3]), _stages([256, 512, 1024, 2048], [3, 3, 27, 3]),
)  # fmt: skip
_SMALL_CONVNEXTS: Final = (
    _stages([40, 80, 160, 320], [2, 2, 6, 2]), _stages([48, 96, 192, 384], [2, 2, 6, 2]),
    _stages([64, 128, 256, 512], [2, 2, 8, 2]), _stages([80, 160, 320, 640], [2, 2, 8, 2]),
    _stages([352, 704, 1408, 2816], [3, 3, 27, 3]),
)  # fmt: skip
_RESNETS: Final = (
    {}, {"depths": [3, 4, 23, 3]}, {"depths": [3, 8, 36, 3]},
    *(
        {"layer_type": "basic", "hidden_sizes": [64, 128, 256, 512], "depths": depths}
        for depths in ([2, 2, 2, 2], [3, 4, 6, 3])
    ),
)  # fmt: skip
_SEGFORMERS: Final = (
    {}, _segformer([64, 128, 320, 512], [2, 2, 2, 2], 256), _segformer([64, 128, 320, 512], [3, 4, 6, 3], 768),
    _segformer([64, 128, 320, 512], [3, 4, 18, 3], 768), _segformer([64, 128, 320, 512], [3, 8, 27, 3], 768),
    _segformer([64, 128, 320, 512], [3, 6, 40, 3], 768),
)  # fmt: skip

PUBLISHED: Final[tuple[tuple[str, tuple[str, ...], tuple[dict[str, Any], ...]], ...]] = (
    ("Bert", (*_TASKS, "ForPreTraining"), _BERTS),
    ("Roberta", _TASKS, (_ROBERTA, {**_ROBERTA, **_bert(1024, 24, 16)}, {**_ROBERTA, **_bert(768, 6, 12)})),
    ("XLMRoberta", _TASKS, (_ROBERTA, {**_ROBERTA, **_bert(1024, 24, 16)}, {**_ROBERTA, **_bert(384, 12, 12)})),
    ("DistilBert", _TASKS, ({},)),
    ("Electra", _TASKS, (
        {}, _bert(768, 12, 12, embedding_size=768), _bert(1024, 24, 16, embedding_size=1024))),
    ("MPNet", _TASKS, ({"max_position_embeddings": 514},)),
    ("Albert", _TASKS, (
        {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072},
        {"hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096, "num_hidden_layers": 24},
        {"hidden_size": 2048, "num_attention_heads": 16, "intermediate_size": 8192, "num_hidden_layers": 24},
        {})),
    ("DebertaV2", _TASKS, (
        _bert(384, 12, 6, **_DEBERTA), _bert(768, 6, 12, **_DEBERTA), _bert(768, 12, 12, **_DEBERTA),
        _bert(1024, 24, 16, **_DEBERTA))),
    ("MobileBert", _TASKS, ({},)),
    ("SqueezeBert", _TASKS, ({},)),
    ("ModernBert", _TASKS, ({}, {"hidden_size": 1024, "num_hidden_layers": 28, "num_attention_heads": 16,
         "intermediate_size": 2624})),
    ("GPT2", ("Model", "LMHeadModel", "ForSequenceClassification"), (
        {}, _gpt2(1024, 24, 16), _gpt2(1280, 36, 20), _gpt2(1600, 48, 25), _gpt2(768, 6, 12))),
    ("GPTNeo", _DECODES, (
        {"hidden_size": 768, "num_layers": 12, "num_heads": 12,
         "attention_types": [[["global", "local"], 6]]},
        {})),
    ("GPTNeoX", _DECODES, tuple(
        _bert(width, depth, heads, vocab_size=50304)
        for width, depth, heads in ((128, 6, 4), (512, 6, 8), (768, 12, 12), (1024, 24, 16), (2048, 16, 8)))),
    ("OPT", _DECODES, (
        {}, {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "ffn_dim": 4096,
             "word_embed_proj_dim": 512, "do_layer_norm_before": False},
        {"hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 32, "ffn_dim": 8192,
         "word_embed_proj_dim": 2048})),
    ("Bloom", _DECODES, (
        {"vocab_size": 250880, "hidden_size": 1024, "n_layer": 24, "n_head": 16},
        {"vocab_size": 250880, "hidden_size": 1536, "n_layer": 24, "n_head": 16})),
    ("Llama", _DECODES, (
        _llama(768, 12, 12, 12, 3072), _llama(2048, 22, 32, 4, 5632), _llama(576, 30, 9, 3, 1536),
        _llama(960, 32, 15, 5, 2560), _llama(2048, 24, 32, 32, 8192), _llama(2048, 16, 32, 8, 8192, head_dim=64),
        _llama(3072, 28, 24, 8, 8192, head_dim=128), {}, _llama(4096, 32, 32, 8, 14336))),
    ("Mistral", _DECODES, ({},)),
    ("Qwen2", _DECODES, (
        _llama(896, 24, 14, 2, 4864), _llama(1536, 28, 12, 2, 8960), _llama(2048, 36, 16, 2, 11008),
        _llama(3584, 28, 28, 4, 18944))),
    ("Qwen3", _DECODES, (
        _llama(1024, 28, 16, 8, 3072, head_dim=128), _llama(2048, 28, 16, 8, 6144, head_dim=128),
        _llama(2560, 36, 32, 8, 9728, head_dim=128))),
    ("Gemma", _DECODES, (_llama(2048, 18, 8, 1, 16384, head_dim=256),)),
    ("Phi", _DECODES, ({}, _llama(2560, 32, 32, 32, 10240))),
    ("T5", ("Model", "ForConditionalGeneration", "EncoderModel"), (
        {}, _t5(768, 3072, 12, 12), _t5(1024, 4096, 24, 16), _gated(512, 1024, 8, 6), _gated(768, 2048, 12, 12),
        _gated(1024, 2816, 24, 16))),
    ("Bart", ("Model", "ForConditionalGeneration", "ForSequenceClassification"), ({}, _bart(768, 6, 12))),
    ("Marian", ("Model", "MTModel"), (_bart(512, 6, 8, max_position_embeddings=512),)),
    ("Whisper", ("Model", "ForConditionalGeneration"), (
        _bart(384, 4, 6), _bart(512, 6, 8), _bart(768, 12, 12), _bart(1024, 24, 16))),
    ("Wav2Vec2", ("Model", "ForCTC", "ForSequenceClassification"), ({}, _bert(1024, 24, 16),
        _bert(1024, 24, 16, feat_extract_norm="layer", conv_bias=True, do_stable_layer_norm=True))),
    ("Hubert", ("Model", "ForCTC", "ForSequenceClassification"), ({},)),
    ("ASTFor", ("AudioClassification",), ({},)),
    ("CLIP", ("Model", "VisionModel", "TextModel"), ({},)),
    ("ViT", (*_SEES, "ForMaskedImageModeling"), _VITS),
    ("DeiT", (*_SEES, "ForImageClassificationWithTeacher"), (
        {}, _SIDE_384, _bert(192, 12, 3), _bert(384, 12, 6))),
    ("Dinov2", _SEES, tuple(
        {"hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": heads, "image_size": 518,
         "patch_size": 14, **more}
        for width, depth, heads, more in (
            (384, 12, 6, {}), (768, 12, 12, {}), (1024, 24, 16, {}), (1536, 40, 24, {"use_swiglu_ffn": True})))),
    ("Beit", _SEES, tuple(
        {**size, "use_relative_position_bias": True, "use_absolute_position_embeddings": False,
         "use_mean_pooling": True, "use_mask_token": False}
        for size in ({}, _bert(1024, 24, 16)))),
    ("Swin", _SEES, _SWINS),
    ("Swinv2", _SEES, tuple({**size, "window_size": 8, "image_size": 256} for size in _SWINS[:3])),
    ("ConvNext", _SEES, _CONVNEXTS),
    ("ConvNextV2", _SEES, (*_CONVNEXTS[:1], *_CONVNEXTS[2:4], *_SMALL_CONVNEXTS)),
    ("ResNet", _SEES, _RESNETS),
    ("RegNet", _SEES, ({},)),
    ("EfficientNet", _SEES, ({},)),
    ("MobileNetV1", _SEES, ({},)),
    ("MobileNetV2", _SEES, ({}, {"depth_multiplier": 1.4}, {"depth_multiplier": 0.75})),
    ("MobileViT", _SEES, ({}, {"hidden_sizes": [96, 120, 144], "neck_hidden_sizes": [16, 32, 48, 64, 80, 96, 384]})),
    ("Segformer", (*_SEES, "ForSemanticSegmentation"), _SEGFORMERS),
    ("PvtV2", _SEES, ({},)),
    ("PoolFormer", _SEES, ({},)),
    ("Levit", _SEES, ({},)),
    ("Cvt", _SEES, ({},)),
    ("FocalNet", _SEES, ({},)),
    ("Yolos", ("Model", "ForObjectDetection"), ({}, _bert(192, 12, 3, image_size=[800, 1333]))),
    ("ViTMAE", ("Model", "ForPreTraining"), ({}, _bert(1024, 24, 16))),
)  # fmt: skip
