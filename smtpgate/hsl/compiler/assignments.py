"""Assignment, in all its forms: variables, items, slices, properties, patterns."""

from __future__ import annotations

import ast
from collections.abc import Callable

from smtpgate.hsl import nodes
from smtpgate.hsl.compiler import tree
from smtpgate.hsl.compiler.calls import Calls
from smtpgate.hsl.compiler.code import UNKNOWN
from smtpgate.hsl.compiler.operations import helper_of
from smtpgate.hsl.errors import Position
from smtpgate.hsl.operations.paths import Member
from smtpgate.hsl.scopes import Kind, Variable


class Assignments(Calls):
    # --- variables -----------------------------------------------------------

    def set_variable(self, found: Variable, value: ast.expr) -> ast.expr:
        """An expression that assigns and has the value assigned."""
        if found.predefined:
            return tree.call("set_key", self.outside(), tree.constant(found.name), value)
        name = self.touch(found)
        self.define(found)
        return tree.walrus(name, value)

    def put_variable(self, found: Variable, value: ast.expr) -> ast.stmt:
        """A statement that assigns."""
        if found.predefined:
            place = ast.Subscript(self.outside(), tree.constant(found.name), ast.Store())
            return ast.Assign([place], value)
        name = self.touch(found)
        self.define(found)
        return tree.assign(name, value)

    def target_variable(self, node: nodes.Expression) -> Variable | None:
        if isinstance(node, nodes.Variable):
            return self.find(node.name)
        if isinstance(node, nodes.StaticMember):
            return self.static_variable(node)
        return None

    def current(self, node: nodes.Expression, found: Variable) -> ast.expr:
        """The value of a variable that is a target, for an operator that reads it."""
        if isinstance(node, nodes.Variable):
            made = self.variable(node)
        else:
            assert isinstance(node, nodes.StaticMember)
            made = self.static_read(found, node)
        self.at(made, node.position)
        return made

    # --- as expressions ------------------------------------------------------

    def assign(self, node: nodes.Assign) -> ast.expr:
        found = self.target_variable(node.target)
        if found is not None:
            if node.operator is None:
                return self.set_variable(found, self.expression(node.value))
            return self.set_variable(found, self._changed(node, found))
        if isinstance(node.target, nodes.Pattern):
            return self._pattern_expression(node.target, node.value)
        if isinstance(node.target, nodes.Slice) and node.operator is None:
            first, second = self._kept(self.expression(node.value))
            stores = self._slice_store(node.target, "store_slice", second)
            return tree.last(first, *stores, tree.again(second))
        value = self.expression(node.value)
        change = self.temporary()
        operator = (
            tree.constant(None) if node.operator is None else tree.load(helper_of(node.operator))
        )
        if isinstance(node.target, nodes.Slice):
            stores = self._slice_store(node.target, "change_slice", tree.load(change))
        else:
            stores = self._path_store(node.target, tree.load(change))
        return tree.last(
            tree.walrus(change, tree.call("Change", value, operator)),
            *stores,
            tree.attribute(change, "result"),
        )

    def _kept(self, value: ast.expr) -> tuple[ast.expr, ast.expr]:
        name = self.temporary()
        return tree.walrus(name, value), tree.load(name)

    def _changed(self, node: nodes.Assign, found: Variable) -> ast.expr:
        assert node.operator is not None
        current = self.current(node.target, found)
        value = self.expression(node.value)
        if isinstance(current, ast.IfExp):
            self.define(found)
        return self.operation(
            node.operator, current, value, self.kind(node.target), self.kind(node.value)
        )

    def step(self, node: nodes.Step) -> ast.expr:
        """``++`` and ``--``: the value after the change, or before it."""
        sign = "+" if node.operator == "++" else "-"
        found = self.target_variable(node.target)
        if found is None:
            change = self.temporary()
            one = tree.constant(1.0 if sign == "+" else -1.0)
            result: ast.expr = tree.attribute(change, "result")
            if not node.prefix:
                result = ast.BinOp(
                    result, ast.Sub(), tree.again(one) if sign == "+" else tree.constant(-1.0)
                )
            return tree.last(
                tree.walrus(change, tree.call("Change", one, tree.load("step"))),
                *self._path_store(node.target, tree.load(change)),
                result,
            )
        changed = self.stepped(node, found)
        if node.prefix:
            return self.set_variable(found, changed)
        # The value before is the value after, less the change: both are exact floats
        # only for small numbers, so the old value is kept.
        old = self.temporary()
        number = tree.walrus(old, self.as_number(self.current(node.target, found), node))
        step = ast.BinOp(
            tree.load(old), ast.Add() if sign == "+" else ast.Sub(), tree.constant(1.0)
        )
        return tree.last(number, self.set_variable(found, step), tree.load(old))

    def stepped(self, node: nodes.Step, found: Variable) -> ast.expr:
        """The variable's value after ``++`` or ``--``."""
        number = self.as_number(self.current(node.target, found), node)
        operator = ast.Add() if node.operator == "++" else ast.Sub()
        return ast.BinOp(number, operator, tree.constant(1.0))

    def as_number(self, value: ast.expr, node: nodes.Step) -> ast.expr:
        if self.kind(node.target) is Kind.NUMBER:
            return value
        return tree.call("number", value)

    # --- paths ---------------------------------------------------------------

    def _root_and_path(self, node: nodes.Expression) -> tuple[nodes.Expression, list[ast.expr]]:
        """What a path of subscripts and properties starts from, and its keys in order."""
        keys: list[nodes.Subscript | nodes.Property] = []
        while isinstance(node, (nodes.Subscript, nodes.Property)):
            keys.append(node)
            node = node.target
        path: list[ast.expr] = []
        for each in reversed(keys):
            if isinstance(each, nodes.Property):
                member = Member(each.name)
                path.append(tree.load(self.unit.keep("M", member, each.name)))
            elif each.index is None:
                path.append(tree.load("APPEND"))
            else:
                path.append(self.expression(each.index))
        return node, path

    def access(self) -> ast.expr:
        owner = self.scope.inside
        if owner is None:
            return tree.load("OUTSIDE")
        this = self.scope.variables.get("this")
        own: ast.expr = tree.constant(None)
        if this is not None and this.readonly:
            own = tree.load(self.touch(this))
        return tree.items([tree.load(owner.python), own])

    def _path_store(self, target: nodes.Expression, change: ast.expr) -> list[ast.expr]:
        """Expressions that carry out a change at the end of a path."""
        root, path = self._root_and_path(target)
        found = self.target_variable(root)
        keys = tree.items(path)
        if found is None or (found.name == "this" and found.readonly):
            # A call's result, or $this: what it leads to is an object.
            value = self.expression(root)
            self.at(value, root.position)
            made = tree.call("store_path", value, keys, change, self.access())
            self.at(made, target.position)
            return [made]
        # The keys are evaluated before the variable is read: they may write to it.
        place: list[ast.expr] = []
        if not all(isinstance(key, (ast.Constant, ast.Name)) for key in path):
            name = self.temporary()
            place.append(tree.walrus(name, keys))
            keys = tree.load(name)  # type: ignore[assignment]
        current = self._raw(found, objects=self._through_object(target))
        made = tree.call("store_path", current, keys, change, self.access())
        self.at(made, target.position)
        return [*place, self.set_variable(found, made)]

    @staticmethod
    def _through_object(target: nodes.Expression) -> bool:
        """Whether the first step of a path is a property: its root must exist."""
        first = target
        while isinstance(target, (nodes.Subscript, nodes.Property)):
            first = target
            target = target.target
        return isinstance(first, nodes.Property)

    def _raw(self, found: Variable, objects: bool = False) -> ast.expr:
        """The variable as a write finds it: perhaps without a value."""
        if found.predefined:
            return self._predefined(found)
        if objects and not self.is_defined(found):
            raw = self.read_raw(found)
            return tree.choose(
                tree.compare(raw, ast.IsNot(), tree.load("ABSENT")),
                tree.again(raw),
                tree.call("undefined", tree.constant(found.name)),
            )
        return self.read_raw(found)

    def _slice_store(self, target: nodes.Slice, store: str, value: ast.expr) -> list[ast.expr]:
        bounds = self.slice_bounds(target)
        return self._replace(
            target.target,
            lambda container: tree.call(store, container, *bounds, value),
            target.position,
        )

    def _replace(
        self,
        target: nodes.Expression,
        change: Callable[[ast.expr], ast.expr],
        at: Position,
    ) -> list[ast.expr]:
        """Expressions that put ``change(value)`` where a target's value is."""
        found = self.target_variable(target)
        if found is not None:
            made = change(self._raw(found))
            self.at(made, at)
            return [self.set_variable(found, made)]
        if not isinstance(target, (nodes.Subscript, nodes.Property)):
            made = change(self.expression(target))
            self.at(made, at)
            return [made]
        name = self.temporary()
        value = tree.walrus(name, change(self.quiet(target)))
        self.at(value, at)
        store = tree.call("Change", tree.load(name), tree.constant(None))
        return [value, *self._path_store(target, store)]

    # --- unset ---------------------------------------------------------------

    def unset(self, node: nodes.Unset) -> ast.expr:
        """``unset`` as an operand: whether there was something to remove."""
        target = node.target
        before = self.temporary()
        if isinstance(target, nodes.Variable):
            raw = self.read_raw(self.find(target.name))
            there = tree.compare(raw, ast.IsNot(), tree.load("ABSENT"))
            return tree.last(tree.walrus(before, there), self.remove(target), tree.load(before))
        if isinstance(target, nodes.Property):
            return self.remove(target)
        assert isinstance(target, (nodes.Subscript, nodes.Slice))
        root, keys = self._root_and_path(target.target)
        found = self.target_variable(root)
        path, start = self.temporary(), self.temporary()
        steps: list[ast.expr] = []
        if found is None:
            steps.append(tree.walrus(start, self.expression(root)))
        steps.append(tree.walrus(path, tree.items(keys)))

        def count() -> ast.expr:
            at = tree.load(start) if found is None else self._raw(found)
            return tree.call("count_at", at, tree.load(path), self.access())

        steps.append(tree.walrus(before, count()))
        begin = None if found is not None else tree.load(start)
        steps.append(self._remove_part(target, root, tree.load(path) if keys else None, begin))
        return tree.last(*steps, tree.compare(tree.load(before), ast.NotEq(), count()))

    def remove(self, target: nodes.Expression) -> ast.expr:
        """An expression that removes a variable, a property, an item or a slice."""
        if isinstance(target, nodes.Variable):
            found = self.find(target.name)
            name = self.touch(found)
            self.defined.discard(found)
            self.unit.owners[found.scope].marked.add(found)
            return tree.walrus(name, tree.load("ABSENT"))
        if isinstance(target, nodes.Property):
            made: ast.expr = tree.call(
                "remove_property",
                self.quiet(target.target),
                tree.constant(target.name),
                self.access(),
            )
            return made
        assert isinstance(target, (nodes.Subscript, nodes.Slice))
        root, keys = self._root_and_path(target.target)
        return self._remove_part(target, root, tree.items(keys) if keys else None)

    def _remove_part(
        self,
        target: nodes.Subscript | nodes.Slice,
        root: nodes.Expression,
        path: ast.expr | None,
        begin: ast.expr | None = None,
    ) -> ast.expr:
        """Remove an item or a slice of what a path leads to.

        :param begin: the root's value, where it has been evaluated already
        """
        if isinstance(target, nodes.Slice):
            remove, values = "remove_slice", self.slice_bounds(target)
        else:
            assert target.index is not None
            remove, values = "remove_item", [self.expression(target.index)]
        found = self.target_variable(root)
        if begin is None and (found is None or (found.name == "this" and found.readonly)):
            begin = self.expression(root)
        if begin is not None:
            return tree.call(
                "remove_path", begin, tree.items([]) if path is None else path,
                tree.load(remove), tree.items(values), self.access(),
            )  # fmt: skip
        assert found is not None
        if path is None:
            made = tree.call(remove, self._raw(found), *values)
        else:
            made = tree.call(
                "remove_path", self._raw(found), path, tree.load(remove),
                tree.items(values), self.access(),
            )  # fmt: skip
        self.at(made, target.position)
        known = found.predefined or found in self.defined
        result = self.set_variable(found, made)
        if not known:
            # Nothing was made of a variable that had no value.
            self.defined.discard(found)
        return result

    # --- patterns ------------------------------------------------------------

    def _pattern_expression(self, pattern: nodes.Pattern, value: nodes.Expression) -> ast.expr:
        first, second = self._kept(self.expression(value))
        return tree.last(first, *self.destructure(pattern, second), tree.again(second))

    def destructure(self, pattern: nodes.Pattern, value: ast.expr) -> list[ast.expr]:
        """Expressions that give the items of a value to the targets of a pattern."""
        steps: list[ast.expr] = []
        taken: list[ast.expr] = []
        for number, item in enumerate(pattern.items):
            if item.rest:
                made: ast.expr = tree.call("rest", tree.again(value), tree.items(taken))
            else:
                key = tree.constant(number) if item.key is None else self.expression(item.key)
                if not tree.simple(key):
                    name = self.temporary()
                    steps.append(tree.walrus(name, key))
                    key = tree.load(name)
                taken.append(tree.again(key))
                made = self._element(value, key, item.default)
            self.at(made, item.position)
            steps += self._give(item.target, made)
        return steps

    def _element(
        self, value: ast.expr, key: ast.expr, default: nodes.Expression | None
    ) -> ast.expr:
        if default is None:
            return tree.call("element", tree.again(value), key)
        if self.folded(default) is not UNKNOWN:
            return tree.call("element", tree.again(value), key, self.expression(default))
        # A default that costs something is evaluated only where it is used.
        name = self.temporary()
        found = tree.call("element", tree.again(value), key, tree.load("ABSENT"))
        kept = set(self.defined)
        otherwise = self.expression(default)
        self.defined = kept
        return tree.choose(
            tree.compare(tree.walrus(name, found), ast.IsNot(), tree.load("ABSENT")),
            tree.load(name),
            otherwise,
        )

    def _give(self, target: nodes.Expression, value: ast.expr) -> list[ast.expr]:
        """Expressions that assign a value to any target."""
        found = self.target_variable(target)
        if found is not None:
            return [self.set_variable(found, value)]
        first, second = self._kept(value)
        if isinstance(target, nodes.Pattern):
            return [first, *self.destructure(target, second)]
        if isinstance(target, nodes.Slice):
            return [first, *self._slice_store(target, "store_slice", second)]
        change = tree.call("Change", second, tree.constant(None))
        return [first, *self._path_store(target, change)]

    def give(self, target: nodes.Expression, value: ast.expr) -> None:
        """Statements that assign a value to any target."""
        found = self.target_variable(target)
        if found is not None:
            self.emit(self.put_variable(found, value))
            return
        for step in self._give(target, value):
            self.emit(ast.Expr(step))
