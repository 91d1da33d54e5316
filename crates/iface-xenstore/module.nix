{ mkRoom, ... }:
mkRoom ./. {
  summary = "the tree of settings that all domains of a Xen host share";
  interface = {
    trait = "Xenstore";
    arity = "one";
  };
}
