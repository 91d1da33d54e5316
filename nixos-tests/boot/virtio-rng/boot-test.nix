import ../../../examples/httpd/boot-test.nix
