# The same as the example has to pass, with the other room.
{ rooms, ... }:
assert builtins.elem "virtio-rng" rooms && !(builtins.elem "rdrand" rooms);
import ../../../examples/httpd/boot-test.nix
