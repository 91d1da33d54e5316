# The same as the example has to pass, with the other room.
{ rooms, ... }:
assert builtins.elem "alloc-buddy" rooms && !(builtins.elem "alloc-talc" rooms);
import ../../../examples/httpd/boot-test.nix
