// SPDX-License-Identifier: LGPL-2.1-or-later

extern int fuservicemount3_main(int argc, char **argv);

int main(int argc, char **argv) { return fuservicemount3_main(argc, argv); }
