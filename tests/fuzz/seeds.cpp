// tandem - `--seeds <folder>`, before libFuzzer reads the command line: writes a target's corpus and ends
// SPDX-License-Identifier: BSL-1.0
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
    if (*argc != 3 || std::string((*argv)[1]) != "--seeds") return 0;
    const std::filesystem::path folder = (*argv)[2];
    std::filesystem::create_directories(folder);
    std::size_t number = 0;
    for (const std::string& seed : fuzz::seeds()) {
        std::ofstream(folder / ("seed" + std::to_string(number++)), std::ios::binary) << seed;
    }
    std::exit(0);
}
