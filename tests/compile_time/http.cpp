// tandem - compile time: a file that calls client.get
// SPDX-License-Identifier: BSL-1.0
#include <string>
#include <utility>

#include <tandem/http/client.hpp>

tandem::task<std::string> page(tandem::http::client client, std::string url) {
    const auto answer = co_await client.get(std::move(url));
    co_return answer.text();
}
