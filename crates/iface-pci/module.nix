{ mkRoom, ... }:
mkRoom ./. {
  summary = "PCI configuration space";
  interface = {
    trait = "Pci";
    arity = "one";
  };
}
