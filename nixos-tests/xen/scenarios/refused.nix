# What is no image for a domain is refused by Xen's tools, and the words say what is wrong with it.
{ images, made, ... }:
let
  image = images.hello;
  broken = name: kernel: refusal: {
    inherit name;
    domains.broken = {
      inherit kernel;
      type = "pvh";
      network = false;
    };
    steps = [
      {
        create = {
          domain = "broken";
          inherit refusal;
        };
      }
    ];
  };
in
[
  (broken "another architecture" (made ''
    cp ${image}/${image.name} $out
    chmod u+w $out
    # EM_AARCH64 in e_machine.
    printf '\267\000' | dd of=$out bs=1 seek=18 conv=notrunc status=none
  '') "kernel image")
  (broken "a truncated file" (made ''
    head -c 1000 ${image}/${image.name} > $out
  '') "kernel image")
  (broken "no note of an entry point" (made ''
    # The notes' owner, by another name.
    LC_ALL=C sed 's/Xen\x00/Non\x00/g' ${image}/${image.name} > $out
  '') "kernel image")
]
