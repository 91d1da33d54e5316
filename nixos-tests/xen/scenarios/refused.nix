# What is no image for a domain, or wants a device that is not there, is refused, and a line says what is wrong with it.
{ images, made, types, ... }:
let
  image = images.hello;
  refusals = {
    alien = "built for aarch64";
    truncated = "truncated, it has 1000 bytes";
    # In xl's own words.
    noteless = "Invalid kernel";
    text = "Invalid kernel";
    diskless = "/disks/nothing";
    bridgeless = "nowhere";
  };
  kernel = "${image}/${image.name}";
  kernels = {
    # EM_AARCH64 in e_machine.
    alien = made ''
      cp ${kernel} $out
      chmod u+w $out
      printf '\267\000' | dd of=$out bs=1 seek=18 conv=notrunc status=none
    '';
    truncated = made "head -c 1000 ${kernel} > $out";
    # The notes' owner has another name.
    noteless = made "LC_ALL=C sed 's/Xen\\x00/Non\\x00/g' ${kernel} > $out";
    text = made "echo text > $out";
    diskless = kernel;
    bridgeless = kernel;
  };
  devices = {
    diskless.disks = [ "format=raw,vdev=xvda,access=rw,target=/disks/nothing" ];
    bridgeless = {
      network = true;
      bridge = "nowhere";
    };
  };
in
types (type: {
  domains = builtins.mapAttrs (
    domain: kernel:
    {
      inherit kernel type;
      network = false;
    }
    // devices.${domain} or { }
  ) kernels;
  steps = map (domain: {
    create = {
      inherit domain;
      refusal = refusals.${domain};
    };
  }) (builtins.attrNames refusals);
})
