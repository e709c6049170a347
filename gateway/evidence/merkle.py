"""Merkle tree over the audit log: roots, inclusion and consistency proofs.

RFC 9162 section 2.1 (the tree of RFC 6962): a leaf is hashed with the prefix 0x00, a node with
0x01, so that a node can never be passed off as a leaf. Every function works on leaf *hashes*
(32 bytes); `leaf_hash` makes one from a leaf's bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_SIZE = 32
#: Root of a tree without leaves (RFC 9162 section 2.1.1).
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash one leaf's bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbouring subtrees into their parent."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: all that is needed to append and to know the root.

    One hash per set bit of `size`, the largest complete subtree first. Values never change:
    appending returns a new frontier, so an abandoned transaction leaves nothing to undo.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a frontier that no tree can have (ValueError)."""
        if len(self.hashes) != self.size.bit_count():
            raise ValueError("a frontier has one hash per set bit of its size")

    def append(self, leaf: bytes) -> Frontier:
        """Add one leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """Add leaf hashes in order; ValueError when one is not a SHA-256 hash."""
        size = self.size
        stack = list(self.hashes)
        push, pop, hashed = stack.append, stack.pop, sha256
        for leaf in leaves:
            if len(leaf) != HASH_SIZE:
                raise ValueError("a leaf hash has 32 bytes")
            node, complete = leaf, size
            while complete & 1:
                node = hashed(b"\x01" + pop() + node).digest()
                complete >>= 1
            push(node)
            size += 1
        return Frontier(size, tuple(stack))

    def root(self) -> bytes:
        """Root hash of the tree up to here."""
        if not self.hashes:
            return EMPTY_ROOT
        node = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            node = node_hash(left, node)
        return node

    def to_bytes(self) -> bytes:
        """Serialise: size as eight bytes big-endian, then the hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """Read what `to_bytes` wrote; ValueError when it is anything else."""
        if len(data) < 8 or len(data) % HASH_SIZE != 8:
            raise ValueError("not a serialised frontier")
        size = int.from_bytes(data[:8], "big")
        return cls(size, tuple(data[i : i + HASH_SIZE] for i in range(8, len(data), HASH_SIZE)))


def root(leaves: Iterable[bytes]) -> bytes:
    """Root hash over leaf hashes."""
    return Frontier().extend(leaves).root()


def _split(size: int) -> int:
    """Largest power of two smaller than `size` (size ≥ 2): where the tree parts."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Audit path of the leaf at `index`, lowest sibling first (RFC 9162 section 2.1.3.1).

    ValueError when there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise ValueError("no leaf at this index")
    path: list[bytes] = []
    start, end = 0, len(leaves)
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(root(leaves[middle:end]))
            end = middle
        else:
            path.append(root(leaves[start:middle]))
            start = middle
    return tuple(reversed(path))


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes
) -> bool:
    """Check that `leaf` (a hash) stands at `index` in the tree (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size or not _all_hashes((leaf, expected, *proof)):
        return False
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and node == expected


def consistency_proof(leaves: Sequence[bytes], old: int) -> tuple[bytes, ...]:
    """Prove that the tree of the first `old` leaves is a prefix of this one (section 2.1.4.1).

    ValueError when `old` is not between 1 and the number of leaves.
    """
    if not 0 < old <= len(leaves):
        raise ValueError("the older tree is empty or larger than this one")
    path: list[bytes] = []
    start, end, remaining, whole = 0, len(leaves), old, True
    while remaining != end - start:
        split = _split(end - start)
        middle = start + split
        if remaining <= split:
            path.append(root(leaves[middle:end]))
            end = middle
        else:
            path.append(root(leaves[start:middle]))
            start, remaining, whole = middle, remaining - split, False
    if not whole:
        path.append(root(leaves[start:end]))
    return tuple(reversed(path))


def verify_consistency(
    old: int, size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:
    """Check a consistency proof (RFC 9162 section 2.1.4.2); an empty older tree proves nothing."""
    if not 0 < old <= size or not _all_hashes((old_root, new_root, *proof)):
        return False
    if old == size:
        return not proof and old_root == new_root
    # A complete older tree is its own first node and is not repeated in the proof.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not proof:
        return False
    return _replay(old - 1, size - 1, path) == (old_root, new_root)


def _replay(position: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Walk up both trees at once; None when the path has the wrong length."""
    while position & 1:
        position, last = position >> 1, last >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            newer = node_hash(newer, sibling)
        position, last = position >> 1, last >> 1
    return (older, newer) if last == 0 else None


def _all_hashes(values: Iterable[bytes]) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
