# The order in which rooms are started: after all that they need, and otherwise as they are asked for.
{ lib }:
let
  inherit (builtins) elem foldl';

  # `path` is the way from a root to here; coming back to it closes a cycle.
  visit =
    dependencies: path: state: name:
    if state.done ? ${name} then
      state
    else if elem name path then
      state // { cycles = state.cycles ++ [ (cycleFrom name path ++ [ name ]) ]; }
    else
      let
        below = foldl' (visit dependencies (path ++ [ name ])) state (dependencies name);
      in
      below
      // {
        done = below.done // {
          ${name} = true;
        };
        order = below.order ++ [ name ];
      };

  cycleFrom = name: path: if lib.head path == name then path else cycleFrom name (lib.tail path);
in
# `dependencies`: name to names. The result has all that `roots` lead to in `order`, and `cycles`, each from a name back
# to itself.
dependencies: roots:
foldl' (visit dependencies [ ]) {
  done = { };
  order = [ ];
  cycles = [ ];
} roots
