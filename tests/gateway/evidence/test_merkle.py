from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.evidence.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# The eight inputs and roots used by Certificate Transparency implementations (RFC 6962).
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
INPUTS.append("606162636465666768696a6b6c6d6e6f")
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
sizes = st.integers(1, 70)


def leaves(count):
    return [leaf_hash(b"%d" % number) for number in range(count)]


def plain_root(hashes):
    """RFC 9162 section 2.1.1, word for word."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(plain_root(hashes[:split]), plain_root(hashes[split:]))


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_roots_agree_with_the_known_ones():
    hashes = [leaf_hash(bytes.fromhex(text)) for text in INPUTS]
    assert [root(hashes[:size]).hex() for size in range(9)] == ROOTS


@given(sizes, st.data())
def test_the_frontier_gives_the_root_of_the_definition_however_leaves_arrive(size, data):
    hashes = leaves(size)
    cut = data.draw(st.integers(0, size))
    frontier = Frontier().extend(hashes[:cut])
    for leaf in hashes[cut:]:
        frontier = frontier.append(leaf)
    assert frontier.size == size
    assert frontier.root() == plain_root(hashes)


@given(st.integers(0, 300))
def test_a_frontier_survives_storage(size):
    frontier = Frontier().extend(leaves(size))
    assert Frontier.from_bytes(frontier.to_bytes()) == frontier


@pytest.mark.parametrize("data", [b"", b"\0" * 7, b"\0" * 9, b"\0" * 7 + b"\x01", b"\0" * 40])
def test_bytes_that_are_no_frontier_are_refused(data):
    with pytest.raises(ValueError, match="frontier"):
        Frontier.from_bytes(data)


def test_appending_leaves_the_older_frontier_as_it_was():
    before = Frontier().extend(leaves(5))
    expected = before.root()
    before.append(leaf_hash(b"x"))
    assert before.root() == expected


def test_only_hashes_are_appended():
    with pytest.raises(ValueError, match="32 bytes"):
        Frontier().append(b"short")


@given(sizes, st.data())
def test_every_leaf_can_be_proven_and_no_other_in_its_place(size, data):
    hashes = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(hashes, index)
    expected = root(hashes)
    assert verify_inclusion(hashes[index], index, size, proof, expected)
    assert not verify_inclusion(leaf_hash(b"other"), index, size, proof, expected)
    assert not verify_inclusion(hashes[index], index, size, (*proof, hashes[0]), expected)
    assert not verify_inclusion(hashes[index], index, index, proof, expected)
    assert not verify_inclusion(hashes[index], -1, size, proof, expected)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        wrong = flipped(proof[at], data.draw(st.integers(0, 255)))
        assert not verify_inclusion(
            hashes[index], index, size, (*proof[:at], wrong, *proof[at + 1 :]), expected
        )
        assert not verify_inclusion(hashes[index], index, size, proof[:-1], expected)
        assert not verify_inclusion(hashes[index], index, size, (b"", *proof), expected)


@given(sizes, st.data())
def test_a_log_that_grew_is_consistent_and_one_that_forked_is_not(size, data):
    hashes = leaves(size)
    old = data.draw(st.integers(1, size))
    proof = consistency_proof(hashes, old)
    before, after = root(hashes[:old]), root(hashes)
    assert verify_consistency(old, size, proof, before, after)
    assert not verify_consistency(old, size, proof, flipped(before, 0), after)
    assert not verify_consistency(old, size, proof, before, flipped(after, 255))
    assert not verify_consistency(old, size, (*proof, hashes[0]), before, after)
    assert not verify_consistency(0, size, proof, before, after)
    assert not verify_consistency(size + 1, size, proof, before, after)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        wrong = flipped(proof[at], data.draw(st.integers(0, 255)))
        forged = (*proof[:at], wrong, *proof[at + 1 :])
        assert not verify_consistency(old, size, forged, before, after)
        assert not verify_consistency(old, size, proof[:-1], before, after)
    forked = [*hashes[: old - 1], leaf_hash(b"fork"), *hashes[old:]]
    if old < size:
        assert not verify_consistency(
            old, size, consistency_proof(forked, old), before, root(forked)
        )


def test_proofs_for_what_does_not_exist_are_refused():
    with pytest.raises(ValueError, match="index"):
        inclusion_proof(leaves(3), 3)
    with pytest.raises(ValueError, match="older"):
        consistency_proof(leaves(3), 4)
    with pytest.raises(ValueError, match="older"):
        consistency_proof(leaves(3), 0)
