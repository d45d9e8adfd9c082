// tandem - the standard library only: how fast this machine compiles
// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

int calibrate(const std::map<std::string, std::vector<int>>& values) {
    int sum = 0;
    std::function<void(int)> add = [&](int value) { sum += value; };
    for (const auto& entry : values) {
        std::for_each(entry.second.begin(), entry.second.end(), add);
    }
    return sum;
}
