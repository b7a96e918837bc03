"""Models of transformers: the structure of the published ones, two layers deep and narrow.

Numbers that mean different things differ (heads, their width, groups, tokens), so that none is right by chance.
"""

from __future__ import annotations

from typing import Any

import torch

from benchmarks import judge
from benchmarks.zoo import material

SIDE, CLASSES, VOCABULARY = 32, 11, 101
LENGTHS = {1: 7, 2: 7, 3: 9}  # tokens, by batch size: sentences are of different lengths too

_TEXT = {
    "vocab_size": VOCABULARY, "hidden_size": 60, "num_hidden_layers": 2, "num_attention_heads": 5,
    "intermediate_size": 88, "max_position_embeddings": 40, "num_labels": CLASSES, "pad_token_id": 0,
}  # fmt: skip
_DECODER = _TEXT | {"num_attention_heads": 6, "num_key_value_heads": 2, "use_cache": False}
_ROPE = _DECODER | {"hidden_size": 48, "head_dim": 10, "bos_token_id": 1, "eos_token_id": 2}
_IMAGE = {
    "image_size": SIDE, "patch_size": 8, "hidden_size": 60, "num_hidden_layers": 2, "num_attention_heads": 5,
    "intermediate_size": 88, "num_labels": CLASSES, "mlp_ratio": 2,
}  # fmt: skip
_SPEECH = {
    "hidden_size": 60, "num_hidden_layers": 2, "num_attention_heads": 5, "intermediate_size": 88,
    "conv_dim": (20, 24), "conv_kernel": (10, 3), "conv_stride": (5, 2), "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 15, "num_conv_pos_embedding_groups": 3, "vocab_size": 32, "num_labels": CLASSES,
    "classifier_proj_size": 28, "feat_proj_dropout": 0.0, "layerdrop": 0.0,
}  # fmt: skip
_SEQ2SEQ = {
    "vocab_size": VOCABULARY, "d_model": 60, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 5,
    "decoder_attention_heads": 6, "encoder_ffn_dim": 88, "decoder_ffn_dim": 76, "max_position_embeddings": 40,
    "use_cache": False, "pad_token_id": 0, "decoder_start_token_id": 2, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
_STAGES = {"num_labels": CLASSES, "image_size": SIDE}

# name -> (model class, config class, what differs from the published configuration, kind of input)
TEXT: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "bert": ("BertForSequenceClassification", "BertConfig", _TEXT, "tokens"),
    "bert-masked": ("BertForMaskedLM", "BertConfig", _TEXT, "tokens"),
    "roberta": ("RobertaForSequenceClassification", "RobertaConfig", _TEXT, "tokens"),
    "xlm-roberta": ("XLMRobertaForTokenClassification", "XLMRobertaConfig", _TEXT, "tokens"),
    "albert": ("AlbertForSequenceClassification", "AlbertConfig", _TEXT | {"embedding_size": 28}, "tokens"),
    "distilbert": (
        "DistilBertForSequenceClassification", "DistilBertConfig",
        {"vocab_size": VOCABULARY, "dim": 60, "n_layers": 2, "n_heads": 5, "hidden_dim": 88,
         "max_position_embeddings": 40, "num_labels": CLASSES}, "tokens",
    ),
    "electra": (
        "ElectraForSequenceClassification", "ElectraConfig", _TEXT | {"embedding_size": 28}, "tokens",
    ),
    "mpnet": ("MPNetForSequenceClassification", "MPNetConfig", _TEXT, "tokens"),
    "deberta-v2": (
        "DebertaV2ForSequenceClassification", "DebertaV2Config",
        _TEXT | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False},
        "tokens",
    ),
    "modernbert": ("ModernBertForSequenceClassification", "ModernBertConfig", _TEXT | {"local_attention": 4}, "tokens"),
    "gpt2": (
        "GPT2LMHeadModel", "GPT2Config",
        {"vocab_size": VOCABULARY, "n_embd": 60, "n_layer": 2, "n_head": 5, "n_inner": 88, "n_positions": 40,
         "use_cache": False, "bos_token_id": 1, "eos_token_id": 2}, "tokens",
    ),
    "gpt-neox": ("GPTNeoXForCausalLM", "GPTNeoXConfig", _TEXT | {"use_cache": False}, "tokens"),
    "opt": (
        "OPTForCausalLM", "OPTConfig",
        {"vocab_size": VOCABULARY, "hidden_size": 60, "num_hidden_layers": 2, "num_attention_heads": 5,
         "ffn_dim": 88, "max_position_embeddings": 40, "word_embed_proj_dim": 60, "use_cache": False}, "tokens",
    ),
    "bloom": (
        "BloomForCausalLM", "BloomConfig",
        {"vocab_size": VOCABULARY, "hidden_size": 60, "n_layer": 2, "n_head": 5, "use_cache": False}, "tokens",
    ),
    "falcon": (
        "FalconForCausalLM", "FalconConfig",
        {"vocab_size": VOCABULARY, "hidden_size": 60, "num_hidden_layers": 2, "num_attention_heads": 5,
         "use_cache": False}, "tokens",
    ),
    "llama": ("LlamaForCausalLM", "LlamaConfig", _ROPE, "tokens"),
    "mistral": ("MistralForCausalLM", "MistralConfig", _ROPE | {"sliding_window": 5}, "tokens"),
    "mixtral": ("MixtralForCausalLM", "MixtralConfig", _ROPE | {"num_local_experts": 3, "experts_implementation": "batched_mm"}, "tokens"),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Config", _DECODER, "tokens"),
    "qwen3": ("Qwen3ForCausalLM", "Qwen3Config", _ROPE, "tokens"),
    "gemma": ("GemmaForCausalLM", "GemmaConfig", _ROPE, "tokens"),
    "gemma2": ("Gemma2ForCausalLM", "Gemma2Config", _ROPE, "tokens"),
    "phi": ("PhiForCausalLM", "PhiConfig", _DECODER | {"hidden_size": 72}, "tokens"),
    "phi3": ("Phi3ForCausalLM", "Phi3Config", _DECODER, "tokens"),
    "stablelm": ("StableLmForCausalLM", "StableLmConfig", _DECODER, "tokens"),
    "mamba": (
        "MambaForCausalLM", "MambaConfig",
        {"vocab_size": VOCABULARY, "hidden_size": 24, "num_hidden_layers": 2, "state_size": 7, "time_step_rank": 5,
         "use_cache": False}, "tokens",
    ),
    "t5": (
        "T5ForConditionalGeneration", "T5Config",
        {"vocab_size": VOCABULARY, "d_model": 60, "d_kv": 14, "d_ff": 88, "num_layers": 2, "num_heads": 5,
         "use_cache": False}, "pair",
    ),
    "t5-encoder": (
        "T5EncoderModel", "T5Config",
        {"vocab_size": VOCABULARY, "d_model": 60, "d_kv": 14, "d_ff": 88, "num_layers": 2, "num_heads": 5}, "tokens",
    ),
    "bart": ("BartForConditionalGeneration", "BartConfig", _SEQ2SEQ, "pair"),
    "marian": ("MarianMTModel", "MarianConfig", _SEQ2SEQ, "pair"),
}  # fmt: skip

VISION: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "vit": ("ViTForImageClassification", "ViTConfig", _IMAGE, "image"),
    "deit": ("DeiTForImageClassificationWithTeacher", "DeiTConfig", _IMAGE, "image"),
    "dinov2": ("Dinov2ForImageClassification", "Dinov2Config", _IMAGE, "image"),
    "beit": (
        "BeitForImageClassification", "BeitConfig",
        _IMAGE | {"use_relative_position_bias": True, "use_mean_pooling": True}, "image",
    ),
    "swin": (
        "SwinForImageClassification", "SwinConfig",
        _STAGES | {"patch_size": 2, "embed_dim": 20, "depths": [2, 2], "num_heads": [2, 5], "window_size": 4}, "image",
    ),
    "swinv2": (
        "Swinv2ForImageClassification", "Swinv2Config",
        _STAGES | {"patch_size": 2, "embed_dim": 20, "depths": [2, 2], "num_heads": [2, 5], "window_size": 4}, "image",
    ),
    "convnext": (
        "ConvNextForImageClassification", "ConvNextConfig",
        _STAGES | {"depths": [1, 1, 2, 1], "hidden_sizes": [14, 20, 28, 36]}, "image",
    ),
    "convnextv2": (
        "ConvNextV2ForImageClassification", "ConvNextV2Config",
        _STAGES | {"depths": [1, 1, 2, 1], "hidden_sizes": [14, 20, 28, 36]}, "image",
    ),
    "segformer": (
        "SegformerForSemanticSegmentation", "SegformerConfig",
        _STAGES | {"depths": [1, 1, 1, 1], "hidden_sizes": [12, 20, 30, 42], "num_attention_heads": [1, 2, 3, 6],
                   "decoder_hidden_size": 26}, "image",
    ),
    "mobilevit": (
        "MobileViTForImageClassification", "MobileViTConfig",
        _STAGES | {"image_size": 64, "hidden_sizes": [24, 36, 48], "neck_hidden_sizes": [8, 12, 18, 22, 28, 34, 90],
                   "num_attention_heads": 4}, "image64",
    ),
    "mobilenet-v2": ("MobileNetV2ForImageClassification", "MobileNetV2Config", _STAGES, "image"),
    "resnet": (
        "ResNetForImageClassification", "ResNetConfig",
        _STAGES | {"embedding_size": 12, "hidden_sizes": [20, 28, 36, 44], "depths": [1, 2, 1, 1]}, "image",
    ),
    "regnet": (
        "RegNetForImageClassification", "RegNetConfig",
        _STAGES | {"embedding_size": 12, "hidden_sizes": [20, 28, 36, 44], "depths": [1, 2, 1, 1], "groups_width": 4},
        "image",
    ),
    "poolformer": (
        "PoolFormerForImageClassification", "PoolFormerConfig",
        _STAGES | {"hidden_sizes": [12, 20, 28, 36], "depths": [1, 1, 1, 1]}, "image64",
    ),
    "pvt-v2": (
        "PvtV2ForImageClassification", "PvtV2Config",
        _STAGES | {"hidden_sizes": [12, 20, 30, 42], "depths": [1, 1, 1, 1], "num_attention_heads": [1, 2, 3, 6]},
        "image64",
    ),
    "levit": ("LevitForImageClassification", "LevitConfig", {"image_size": 224, "num_labels": CLASSES}, "image224"),
    "clip-vision": ("CLIPVisionModelWithProjection", "CLIPVisionConfig", _IMAGE | {"projection_dim": 22}, "image"),
    "clip-text": (
        "CLIPTextModelWithProjection", "CLIPTextConfig",
        _TEXT | {"projection_dim": 22, "eos_token_id": 2, "bos_token_id": 1}, "tokens",
    ),
    "siglip-vision": ("SiglipVisionModel", "SiglipVisionConfig", _IMAGE, "image"),
    "yolos": (
        "YolosForObjectDetection", "YolosConfig", _IMAGE | {"image_size": [SIDE, SIDE], "num_detection_tokens": 6},
        "image",
    ),
}  # fmt: skip

SPEECH: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "whisper-encoder": (
        "WhisperForAudioClassification", "WhisperConfig",
        _SEQ2SEQ | {"num_mel_bins": 16, "max_source_positions": 14, "num_labels": CLASSES,
                    "classifier_proj_size": 26}, "mel",
    ),
    "whisper": (
        "WhisperForConditionalGeneration", "WhisperConfig",
        _SEQ2SEQ | {"num_mel_bins": 16, "max_source_positions": 14, "max_target_positions": 20}, "mel-pair",
    ),
    "wav2vec2": ("Wav2Vec2ForCTC", "Wav2Vec2Config", _SPEECH, "wave"),
    "hubert": ("HubertForSequenceClassification", "HubertConfig", _SPEECH, "wave"),
    "wavlm": ("WavLMForSequenceClassification", "WavLMConfig", _SPEECH, "wave"),
}  # fmt: skip

MODELS = TEXT | VISION | SPEECH
FAMILIES = {"text": TEXT, "vision": VISION, "speech": SPEECH}


def names() -> dict[str, str]:
    """Name -> text, vision or speech."""
    return {name: family for family, models in FAMILIES.items() for name in models}


def evaluate(name: str, seed: int) -> judge.Row:
    """The row of one model."""
    import transformers

    kind, config, given, entering = MODELS[name]
    row = judge.Row(name, names()[name])
    with material.no_init():
        model = getattr(transformers, kind)(getattr(transformers, config)(**given))

    def inputs(batch: int, dtype: torch.dtype) -> dict[str, Any]:
        return _inputs(entering, batch, dtype)

    return material.judged(material.subject(model.eval(), inputs, row), seed, row)


def _inputs(kind: str, batch: int, dtype: torch.dtype) -> dict[str, Any]:
    """Keyword arguments of a call with `batch` samples, the first of them padded."""
    noise = material.noise(batch, dtype)
    if kind.startswith("image"):
        side = int(kind.removeprefix("image") or SIDE)
        return {"pixel_values": noise(batch, 3, side, side)}
    if kind == "wave":
        return {"input_values": noise(batch, 400)}
    decoder = {"decoder_input_ids": _tokens(batch, 5)[0]}
    if kind.startswith("mel"):
        return {"input_features": noise(batch, 16, 28), **(decoder if kind == "mel-pair" else {})}
    numbers, mask = _tokens(batch, LENGTHS[batch])
    return {"input_ids": numbers, "attention_mask": mask, **(decoder if kind == "pair" else {})}


def _tokens(batch: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(batch)
    numbers = torch.randint(3, VOCABULARY, (batch, length), generator=draw)
    mask = torch.ones(batch, length, dtype=torch.long)
    numbers[0, -2:], mask[0, -2:] = 0, 0
    return numbers, mask
