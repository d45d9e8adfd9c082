// expect: queue_takes_other_letters<stage, item>: dead_letter\(\) needs a tandem::queue<tandem::dead_item<In>>, In being what this stage takes
// SPDX-License-Identifier: BSL-1.0
#include <string>
#include <vector>

#include <tandem/pipeline/pipeline.hpp>

tandem::task<int> fetch(std::string v);
tandem::task<> store(int v);

void f(std::vector<std::string>& items, tandem::queue<tandem::dead_item<int>>& dead) {
    auto line = tandem::pipeline("p", items)
                    .io("fetch", fetch, tandem::stage_options().dead_letter(dead))
                    .sink("store", store);
}
