{
  app = {
    crate = ./.;
    needs = [
      "address-space"
      "allocator"
      "clock"
      "console"
      "platform"
      "thread-pointer"
    ];
  };
}
