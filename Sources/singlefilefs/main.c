// SPDX-License-Identifier: LGPL-2.1-or-later

int singlefilefs_main(int argc, char **argv);

int main(int argc, char **argv) { return singlefilefs_main(argc, argv); }
