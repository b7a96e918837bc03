"""What a pickle asks for is found by reading its opcodes, however it is written down."""

import io
import os
import pickle
import pickletools
from collections import OrderedDict

import pytest
from torch._utils import IMPORT_MAPPING, NAME_MAPPING

from slimgui.scanner import opcodes
from slimgui.scanner.opcodes import UnreadableError, scan
from slimgui.scanner.report import Call, Scan


class Calls:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return (self.function, self.arguments)


def scanned(data: bytes) -> Scan:
    return scan(io.BytesIO(data))


SYSTEM = Call("posix.system", bare=False, touches=frozenset())


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_call_is_found_in_every_protocol(protocol):
    found = scanned(pickle.dumps({"a": [Calls(os.system, "true")], "b": OrderedDict(c=1)}, protocol))
    assert {"posix.system", "collections.OrderedDict"} <= set(found.names)
    assert SYSTEM in found.calls


@pytest.mark.parametrize(
    "data",
    [
        b"(S'true'\niposix\nsystem\n.",  # INST
        b"(cposix\nsystem\nS'true'\no.",  # OBJ
        b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x8c\x04true\x85R.",  # STACK_GLOBAL
        b"\x80\x04\x8c\x06system\x94\x8c\x05posix\x940h\x01h\x00\x93\x8c\x04true\x85R.",  # names by the memo
        b"\x80\x02X\x05\x00\x00\x00posixq\x070h\x07X\x06\x00\x00\x00system\x93X\x04\x00\x00\x00true\x85R.",
        b"\x80\x04\x8c\x05posix2\x8c\x06system\x93\x8c\x04true\x85R0\x8c\x01x.",  # DUP, POP
        b"\x80\x04cposix\nsystem\n\x8c\x04true\x85}\x92.",  # NEWOBJ_EX
    ],
)
def test_a_call_is_found_however_it_is_spelled(data):
    found = scanned(data)
    assert "posix.system" in found.names
    assert any(call.name == "posix.system" and not call.bare for call in found.calls)


def test_names_that_cannot_be_known_are_names_too():
    assert scanned(b"\x82\x07.").names == ("copyreg.extension 7",)
    computed = b"\x80\x04\x8c\x05posix\x85\x8c\x06system\x93."  # the module is a tuple
    assert scanned(computed).names == ("?.a name it computes",)


def test_an_empty_object_is_told_from_one_that_is_made_with_arguments():
    assert scanned(b"\x80\x02ca\nB\n)\x81.").calls == (Call("a.B", bare=True, touches=frozenset()),)
    assert scanned(b"\x80\x02ca\nB\nK\x01\x85\x81.").calls[0].bare is False


def test_what_a_call_is_given_is_named():
    found = scanned(b"\x80\x02ca\nf\n(K\x01(ca\nB\n)\x81ttR.")
    assert found.calls[-1] == Call("a.f", bare=False, touches=frozenset({"a.B"}))


def test_nothing_reaches_below_a_mark():
    # Read with one flat stack, the tuple would hold the mark itself, and the call another target.
    for data in (b"ca\nB\n(\x85.", b"K\x01(0.", b"(((.", b"ca\nB\n(R."):
        if data == b"K\x01(0.":  # POP takes back a mark, in pickle and here
            assert pickle.loads(data) == 1
            assert scanned(data) == Scan()
        else:
            with pytest.raises(UnreadableError):
                scanned(data)


def test_tuples_that_share_their_parts_are_looked_into_once():
    # 2 ** 60 leaves when followed one by one.
    data = b"\x80\x02ca\nf\nca\nB\n" + b"2\x86" * 60 + b"R."
    assert scanned(data).calls[0].touches == frozenset({"a.B"})


def test_more_names_than_any_model_has_are_refused():
    many = b"".join(b"ca\nB%d\n0" % number for number in range(opcodes._MOST + 1))
    with pytest.raises(UnreadableError, match="more than"):
        scanned(many + b"N.")


def test_nesting_without_end_is_refused():
    with pytest.raises(UnreadableError, match="deeper than"):
        scanned(b"(" * 20_000 + b"t" * 20_000 + b".")


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_cut_off_anywhere_is_unreadable(protocol):
    whole = pickle.dumps({"a": [1, "x", 2.5], "b": (b"y", None)}, protocol)
    scanned(whole)
    for length in range(len(whole)):
        with pytest.raises(UnreadableError):
            scanned(whole[:length])


def test_every_opcode_of_pickle_is_followed_or_moves_data_only():
    special = opcodes._CALLS | opcodes._GETS | opcodes._PUTS | opcodes._TUPLES.keys() | opcodes._FILLS
    special |= opcodes._UNKNOWN | {"MARK", "GLOBAL", "STACK_GLOBAL", "MEMOIZE", "DUP", "BINPERSID", "STOP"}
    plain = {op.name for op in pickletools.opcodes} - special
    assert plain == {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "NONE"),
        *("NEWTRUE", "NEWFALSE", "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE"),
        *("SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
        *("NEXT_BUFFER", "READONLY_BUFFER", "EMPTY_LIST", "LIST", "EMPTY_DICT", "DICT", "EMPTY_SET"),
        *("FROZENSET", "POP", "POP_MARK", "PERSID", "PROTO", "FRAME"),
    }


def test_names_of_python_2_are_read_as_torch_reads_them():
    for (module, attribute), (home, name) in NAME_MAPPING.items():
        assert opcodes.dotted(module, attribute) == f"{home}.{name}"
    for module, home in IMPORT_MAPPING.items():
        assert opcodes.dotted(module, "any") == f"{home}.any"
