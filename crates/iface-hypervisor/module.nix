{ mkRoom, ... }:
mkRoom ./. {
  summary = "calls of a Xen domain to its hypervisor";
  interface = {
    trait = "Hypervisor";
    arity = "one";
  };
}
