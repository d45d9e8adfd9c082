// expect: item_is_needed_again<stage, item>: retry, dead_letter and on_done need the item after the call, and this one can only be moved into the function; let the function take it by const&
// SPDX-License-Identifier: BSL-1.0
#include <memory>
#include <vector>

#include <tandem/pipeline/pipeline.hpp>

tandem::task<int> fetch(std::unique_ptr<int> v);
tandem::task<> store(int v);

void f(std::vector<std::unique_ptr<int>> items) {
    auto line = tandem::pipeline("p", std::move(items))
                    .io("fetch", fetch, tandem::stage_options().retry(tandem::retry_policy()))
                    .sink("store", store);
}
