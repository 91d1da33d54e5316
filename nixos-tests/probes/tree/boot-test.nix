{
  # In the order in which it says them.
  console = [
    "/www/deep/page.html: a page"
    "/etc/resolv.conf: nameserver 192.0.2.53"
    "tmpfs /tmp tmpfs rw 0 0"
    "/tmp: . .. moved"
    "a page in "
  ];
  absent = [ "panic" ];
}
