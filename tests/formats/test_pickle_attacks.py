"""A hostile pickle runs nothing, takes no more memory than it has bytes, and ends in one error."""

import bz2
import copyreg
import gzip
import io
import pickle
import struct

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.formats import load_pickle, stream_pickle

# Each calls os.system, or would lead there.
PROGRAMS = {
    "global": b"cposix\nsystem\n(S'touch MARK'\ntR.",
    "global of os": b"cos\nsystem\n(S'touch MARK'\ntR.",
    "stack global": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x0atouch MARK\x85R.",
    "inst": b"(S'touch MARK'\niposix\nsystem\n.",
    "obj": b"(cposix\nsystem\nS'touch MARK'\no.",
    "newobj": b"\x80\x02cposix\nsystem\nU\x0atouch MARK\x85\x81.",
    "newobj_ex": b"\x80\x04cposix\nsystem\n\x8c\x0atouch MARK\x85}\x92.",
    "eval": b"c__builtin__\neval\n(S'__import__(\"os\").system(\"touch MARK\")'\ntR.",
    "exec": b"cbuiltins\nexec\n(S'import os'\ntR.",
    "getattr": b"cbuiltins\ngetattr\n(cos\npath\nS'join'\ntR.",
    "import": b"cbuiltins\n__import__\n(S'os'\ntR.",
    "dotted": b"\x80\x04\x8c\x08builtins\x8c\x16list.__class__.__mro__\x93.",
    "dotted in a permitted module": b"\x80\x04\x8c\x05numpy\x8c\x0cload.__doc__\x93.",
    "partial": b"cfunctools\npartial\n(cposix\nsystem\nS'touch MARK'\ntR.",
    "reduce": b"cfunctools\nreduce\n(cposix\nsystem\n(S'a'\nltR.",
    "map": b"cbuiltins\nmap\n(cposix\nsystem\n(S'a'\nltR.",
    "type": b"cbuiltins\ntype\n(S'x'\nt)R.",
    "object": b"ccopyreg\n_reconstructor\n(c__main__\nX\nc__builtin__\nobject\nNtR.",
    "numpy.load": b"cnumpy\nload\n(S'MARK'\ntR.",
    "numpy.memmap": b"cnumpy\nmemmap\n(S'MARK'\nS'f8'\nS'w+'\ntR.",
    "numpy subclass": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nmemmap\n(I0\ntS'b'\ntR.",
    "torch": b"ctorch\nload\n(S'MARK'\ntR.",
    "pickle in a pickle": b"c_pickle\nloads\n(S'cposix\\nsystem\\n(S\\'x\\'\\ntR.'\ntR.",
    "unknown": b"cno_such_module\nname\n.",
}  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_nothing_runs(program, tmp_path, refusal, monkeypatch, file):
    monkeypatch.chdir(tmp_path)
    path = file(program, "evil.pkl")
    message = refusal(load_pickle, path)
    assert "evil.pkl" in message
    assert "hwbench reads only plain data" in message or "only plain numpy arrays" in message
    refusal(stream_pickle, path, where=(), on_item=print)
    try:
        load_pickle(path, stand_ins=True)
    except HwbenchError as error:
        assert "numpy" in str(error) or "damaged" in str(error)  # noqa: PT017
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["evil.pkl"]


def test_the_message_names_file_place_and_function(refusal, file):
    path = file(PROGRAMS["global"], "evil.pkl")
    assert refusal(load_pickle, path) == (
        f"{path}: byte 14: would run posix.system; hwbench reads only plain data"
    )


def test_a_name_cannot_break_the_message(refusal):
    message = refusal(load_pickle, b"\x80\x04\x8c\x04a\nbc\x8c\x05\x1b[2Jx\x93.")
    assert "\x1b" not in message


def test_registered_extensions_are_not_run(refusal):
    copyreg.add_extension("posix", "system", 0x70)
    try:
        for program in (b"\x82\x70.", b"\x83\x70\x00.", b"\x84\x70\x00\x00\x00."):
            assert "registered extension" in refusal(load_pickle, b"\x80\x02" + program)
    finally:
        copyreg.remove_extension("posix", "system", 0x70)


@pytest.mark.parametrize("state", ["dict", "slots"])
def test_attributes_cannot_be_set(state, refusal):
    state = b"}\x8c\x05items" + b"]s" if state == "dict" else b"N}\x8c\x05items]s\x86"
    refusal(load_pickle, b"\x80\x04ccollections\nOrderedDict\n)R" + state + b"b.")
    refusal(load_pickle, b"\x80\x04]" + state + b"b.")
    refusal(load_pickle, b"\x80\x04cbuiltins\nlist\n" + state + b"b.")
    refusal(load_pickle, b"\x80\x04cnumpy\ndtype\n" + state + b"b.")


def test_persistent_ids_and_outside_memory_are_refused(refusal):
    for program in (b"Pid\n.", b"K\x01Q.", b"\x97.", b"C\x01a\x98."):
        refusal(load_pickle, b"\x80\x05" + program)


HUGE = 10 * 2**30
LONG = b"\x8a\x05" + HUGE.to_bytes(5, "little")
MOST = b"J" + struct.pack("<i", 2**31 - 1)


@pytest.mark.parametrize(
    "claim",
    [
        b"\x8e" + struct.pack("<Q", HUGE),  # BINBYTES8
        b"\x96" + struct.pack("<Q", HUGE),  # BYTEARRAY8
        b"\x8d" + struct.pack("<Q", HUGE),  # BINUNICODE8
        b"\x8e" + b"\xff" * 8,
        b"\x95" + struct.pack("<Q", HUGE) + b"N.",  # FRAME
        b"B" + b"\xff" * 4,
        b"X" + b"\xff" * 4,
        b"T" + b"\xff" * 4,
        b"\x8b" + b"\xff\xff\xff\x7f",  # LONG4
        b"\x8b" + b"\xff" * 4,
        b"Nr\xff\xff\xff\xff0j\xff\xff\xff\xfe.",  # LONG_BINPUT to a far place, then another
        b"Np99999999999999999999\n.",
        b"cbuiltins\nbytearray\n" + LONG + b"\x85R.",
        b"cbuiltins\nbytes\n" + LONG + b"\x85R.",
        b"cbuiltins\nset\ncbuiltins\nrange\n" + LONG + b"\x85R\x85R.",
        b"cbuiltins\nlist\ncbuiltins\nrange\n" + LONG + b"\x85R\x85R.",
        b"cbuiltins\nint\n\x8c\x019\x85R.",
    ],
)  # fmt: skip
def test_claims_of_gigabytes_are_refused_before_allocating(claim, refusal):
    for pack in (bytes, gzip.compress):
        refusal(load_pickle, pack(b"\x80\x05" + claim), limit=8_000_000)


def array_pickle(state, dtype=b"f8"):
    """The pickle of an array with a state of our own, given as byte codes."""
    return (
        b"\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
        b"(K\x01" + state + b"cnumpy\ndtype\n\x8c" + bytes([len(dtype)]) + dtype + b"\x89\x88\x87R"
    )


EIGHT = b"\x8a\x08" + struct.pack("<q", 2**40)


@pytest.mark.parametrize(
    "content",
    [
        array_pickle(MOST + b"\x85") + b"\x89C\x08" + bytes(8) + b"tb.",
        array_pickle(EIGHT + EIGHT + b"K\x00\x87") + b"\x89C\x00tb.",
        array_pickle(b"J\xff\xff\xff\xff\x85") + b"\x89C\x08" + bytes(8) + b"tb.",
        array_pickle(b"J\xff\xff\xff\xffJ\xff\xff\xff\xff\x86") + b"\x89C\x08" + bytes(8) + b"tb.",
        array_pickle(b"(" + b"K\x01" * 40 + b"t") + b"\x89C\x08" + bytes(8) + b"tb.",
        array_pickle(b"K\x01\x85", b"O") + b"\x89C\x08" + bytes(8) + b"tb.",  # bytes as pointers
        array_pickle(b"K\x02\x85", b"O") + b"\x89]Natb.",
        array_pickle(MOST + b"\x85", b"O") + b"\x89]tb.",
        array_pickle(b"K\x01\x85", b"U99999999") + b"\x89C\x04" + bytes(4) + b"tb.",
        array_pickle(b"K\x01\x85", b"i4,O") + b"\x89C\x0c" + bytes(12) + b"tb.",
        array_pickle(b"K\x01\x85", b"(2,2)O") + b"\x89C\x20" + bytes(32) + b"tb.",
        array_pickle(b"K\x01\x85") + b"\x89\x8c\x04\xe2\x82\xacaatb.",
        b"\x80\x04cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n\x8c\x01O\x85RC\x08"
        + bytes(8) + b"\x86R.",
        b"\x80\x04cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n\x8c\x02f8\x85RC\x04"
        + bytes(4) + b"\x86R.",
        b"\x80\x04cnumpy.core.numeric\n_frombuffer\n(C\x08" + bytes(8)
        + b"cnumpy\ndtype\n\x8c\x01O\x85RK\x01\x85\x8c\x01CtR.",
        b"\x80\x04cnumpy.core.numeric\n_frombuffer\n(C\x08" + bytes(8)
        + b"cnumpy\ndtype\n\x8c\x02f8\x85RJ\xff\xff\xff\x7f\x85\x8c\x01CtR.",
    ],
)  # fmt: skip
def test_arrays_hold_what_they_claim(content, refusal):
    refusal(load_pickle, content, limit=8_000_000)
    refusal(load_pickle, content, limit=8_000_000, stand_ins=True)


def test_structured_dtypes_and_second_states_are_refused(refusal):
    structured = np.zeros(2, dtype=[("a", "i4"), ("b", "O")])
    for protocol in (2, 4, 5):
        refusal(load_pickle, pickle.dumps(structured, protocol))
    whole = pickle.dumps(np.arange(3.0), 2)
    state = whole[whole.index(b"(K\x01") : -1]
    assert "a state it cannot have" in refusal(load_pickle, whole[:-1] + state + b".")


def test_bombs_are_refused_at_the_limit(refusal, file):
    bomb = b"\x80\x04\x8e" + struct.pack("<Q", 50_000_000) + bytes(50_000_000) + b"."
    for pack, name in ((gzip.compress, "a.gz"), (bz2.compress, "a.bz2")):
        path = file(pack(bomb), name)
        assert path.stat().st_size < 1_000_000
        message = refusal(load_pickle, path, max_bytes=10_000_000)
        assert name in message
        assert "10,000,000" in message or "claims 50,000,000 bytes" in message
        lists = file(pack(b"\x80\x04(" + b"]" * 3_000_000), name)
        assert "max_bytes" in refusal(load_pickle, lists, max_bytes=1_000_000, limit=None)


def test_small_objects_are_counted(refusal, monkeypatch):
    monkeypatch.setattr("hwbench.formats.pickle_machine.CHECK_BYTES", 1)
    content = b"\x80\x04](" + b"]" * 1_100_000 + b"e."
    message = refusal(load_pickle, content, max_objects=500_000, limit=None)
    assert "more than 500,000 objects" in message


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b".",
        b"\x80\x04N" + b"\x85" * 300_000 + b".",
        b"\x80\x04" + b"}K\x01" * 100_000 + b"N" + b"s" * 100_000 + b".",
        b"(" * 1_000_000 + b"N" + b"l" * 1_000_000 + b".",
        b"\x80\x04" + b"(" * 900 + b"N" + b"t" * 900 + b".",
        b"\x80\x04(" + b")\x85" * 10 + b"\x85" * 200_000 + b"K\x01d.",  # a deep key
        b"\x80\x04}N" + b"\x85" * 200_000 + b"Ns.",
        b"\x80\x04N" + b"\x85" * 200_000 + b"(i" + b"x\ny\n.",
    ],
)
def test_deep_nesting_is_refused(content, refusal):
    refusal(load_pickle, content, limit=None)
    refusal(load_pickle, content, limit=None, stand_ins=True)


def doubled(times, close):
    """Byte codes that make a tuple of itself twice, again and again."""
    return b"\x80\x04" + b"K\x01" + b"2\x86" * times + close


def test_explosions_by_sharing_are_refused(refusal):
    assert load_pickle(doubled(10, b"."))[0][0] is not None
    for times in (40, 90, 3000):
        refusal(load_pickle, doubled(times, b"."))
        refusal(load_pickle, b"\x80\x04}" + doubled(times, b"Ns.")[2:])  # hashed as a key
        refusal(load_pickle, b"\x80\x04(" + doubled(times, b"\x91.")[2:])  # in a frozenset
        refusal(load_pickle, b"\x80\x04\x8f(" + doubled(times, b"\x90.")[2:])  # in a set
    laughs = b"\x80\x04]\x94"
    for level in range(12):
        laughs += b"](" + b"h" + bytes([level]) + b"e"[:0]
        laughs = laughs + (b"h" + bytes([level])) * 99 + b"e\x94"
    message = refusal(load_pickle, b"\x80\x04(" + laughs[2:] + b"l.")
    assert "repeat parts of themselves" in message


def test_loops_are_refused(refusal):
    loop = []
    loop.append({"again": [loop]})
    assert "contain themselves" in refusal(load_pickle, pickle.dumps(loop))
    array = np.empty(1, dtype=object)
    array[0] = [array]
    refusal(load_pickle, pickle.dumps(array, 4))


def test_copies_of_one_part_are_charged(refusal):
    content = io.BytesIO()
    content.write(
        b"\x80\x04(" + b"](" + b"".join(b"J" + struct.pack("<i", i) for i in range(50_000))
    )
    content.write(b"e\x94cbuiltins\nset\n\x94")
    content.write(b"h\x01h\x00\x85R" * 50_000 + b"l.")
    message = refusal(load_pickle, content.getvalue(), limit=None)
    assert "copies parts of itself too often" in message


def test_keys_made_to_collide_are_refused(refusal):
    numbers = b"".join(
        b"\x8a\x0c" + (i * (2**61 - 1) << 20).to_bytes(12, "little") + b"N" for i in range(1, 2000)
    )
    assert "64 bits" in refusal(load_pickle, b"\x80\x04}(" + numbers + b"u.")


def test_every_truncation_of_valid_files_is_refused():
    values = {"a": [1.5] * 20, ("b", 2): np.arange(5.0), "c": "ä" * 300, "d": 2**70, "e": {1, 2}}
    for protocol in range(6):
        content = pickle.dumps(values, protocol)
        for cut in range(len(content)):
            with pytest.raises(HwbenchError):
                load_pickle(content[:cut])
