// expect: tandem::pipeline: stage_does_not_fit<stage, gives, takes>: the function of this stage does not take what the stage before it gives
// expect: stage_does_not_fit<2, page, row>
// SPDX-License-Identifier: BSL-1.0
#include <string>
#include <vector>

#include <tandem/pipeline/pipeline.hpp>

class page {};
class row {};
tandem::task<page> fetch(std::string url);
tandem::task<> store(row r);

void f(std::vector<std::string>& urls) {
    auto line = tandem::pipeline("crawl", urls).io("fetch", fetch).sink("store", store);
}
