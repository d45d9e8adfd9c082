// tandem - a second file with the client, which includes no loop
// SPDX-License-Identifier: BSL-1.0
#include <string>
#include <utility>

#include <tandem/http/client.hpp>

tandem::task<int> number_at(tandem::http::client client, std::string url) {
    const auto answer = co_await client.get(std::move(url));
    co_return std::stoi(answer.text());
}
