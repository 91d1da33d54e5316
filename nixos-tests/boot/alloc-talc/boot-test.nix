# The same as the example has to pass, with the other room.
{ rooms, ... }:
assert builtins.elem "alloc-talc" rooms && !(builtins.elem "alloc-buddy" rooms);
import ../../../examples/httpd/boot-test.nix
