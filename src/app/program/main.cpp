#include "wrench/app/command.hpp"

int main(int argc, char** argv) { return wrench::app::run_cli(argc, argv); }
