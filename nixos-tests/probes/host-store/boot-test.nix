# It ends when its host wants it to: nixos-tests/xen/scenarios/store.nix.
[ ]
