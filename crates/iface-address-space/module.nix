{ mkRoom, ... }:
mkRoom ./. {
  summary = "pages of memory at addresses, with protection";
  interface = {
    trait = "AddressSpace";
    arity = "one";
  };
}
