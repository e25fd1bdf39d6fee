// SPDX-License-Identifier: LGPL-2.1-or-later

extern int fuservicemount3_companion_main(int argc, char **argv);

int main(int argc, char **argv) { return fuservicemount3_companion_main(argc, argv); }
