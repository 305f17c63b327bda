"""What a formula says on a blackboard, whatever face it is then given: text or HTML."""

from __future__ import annotations

from glassnet.walkthrough.expression import Expression, call, name, number, total, where


def blackboard(tree: Expression) -> Expression:
    """A formula as one writes it: for what only a computer calls by a name, what that name means.

    softmax(z) is e^z/Σ_k e^z; [k] is an output, [j] the sum that moves.
    """
    parts = tuple(blackboard(a) if isinstance(a, Expression) else a for a in tree.args)
    tree = Expression(tree.op, parts)
    match tree.op, parts:
        case "T", (Expression(op="/", args=(_, Expression(op="sum"))) as quotient,):
            return Expression("/", tuple(map(_upright, quotient.args)))
        case "T", (Expression(op="sum"),):
            return _upright(parts[0])
        case "call", ("softmax", z):
            return call("exp", z) / total(call("exp", z), "outputs")
        case "call", ("softmax_slope", a):
            of, by = _at(a, "k"), _at(a, "j")
            return where(name("k = j"), of * (number(1.0) - of), -of * by)
        case "call", ("contract", dL_da, da_dz):
            return total(_at(dL_da, "k") * _at(da_dz, "k,j"), "outputs")
        case "call", ("ones_like", _):
            return number(1.0)
    return tree


def _upright(tree: Expression) -> Expression:
    # eᶻ and its sum are the same for a sample, be it a row or a column
    if tree.op == "T":
        return _upright(tree.args[0])
    parts = (_upright(a) if isinstance(a, Expression) else a for a in tree.args)
    return Expression(tree.op, tuple(parts))


def _at(tree: Expression, place: str) -> Expression:
    return name(f"{_upright(tree).args[0]}[{place}]")
