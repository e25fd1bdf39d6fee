// SPDX-License-Identifier: LGPL-2.1-or-later

int fuse_service_adapter_main(int argc, char **argv);

int main(int argc, char **argv) { return fuse_service_adapter_main(argc, argv); }
