// A crawl that may be killed: pages over HTTP, a title and a number of words out of each, rows into SQLite,
// and a done_log of what is stored. Started again, it fetches only what is missing. Without arguments it
// does that to itself: a child crawls, is killed with SIGKILL, and the parent crawls the rest.
// Otherwise: pipeline_03_crawl <database> <url>...
// SPDX-License-Identifier: BSL-1.0
// link: SQLite3 SQLite::SQLite3
// expect: ^200 pages stored; those of the killed run were not fetched again$
#include <tandem/http/client.hpp>
#include <tandem/pipeline/done_log.hpp>
#include <tandem/tandem.hpp>

#include <csignal>
#include <filesystem>
#include <functional>
#include <iostream>
#include <thread>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

#include "check.hpp"
#include "sqlite.hpp"
#include "web_site.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

struct page {
    page(std::string u, std::string t) : url(std::move(u)), text(std::move(t)) {}
    std::string url;
    std::string text;
    std::string title = {};
    int words = 0;
};
using pages = std::vector<page>;

tandem::task<page> fetch(http::client& client, std::string site, std::string url) {
    const http::response answer = co_await client.get(site + url).timeout(10s);
    answer.raise_for_status();
    co_return page(std::move(url), answer.text());
}

page extract(page p) {
    p.title = title_of(p.text);
    p.words = words_of(p.text);
    p.text.clear();
    return p;
}

void insert(database& rows, const pages& batch) {
    rows.execute("begin");
    for (const page& p : batch) rows.run("replace into pages values (?, ?, ?)", p.url, p.title, p.words);
    rows.execute("commit");
}

// A page is noted as done when its row is there: what is killed in between is stored a second time.
tandem::task<> store(tandem::executor& disk, database& rows, tandem::done_log& done, pages batch) {
    co_await tandem::run_in_executor(disk, insert, std::ref(rows), std::cref(batch));
    std::vector<tandem::task<>> lines;
    for (page& p : batch) lines.push_back(done.record(std::move(p.url)));
    co_await tandem::gather(std::move(lines));
}

tandem::task<tandem::pipeline_report> crawl(std::string site, strings urls, std::string file) {
    database rows(file);
    rows.execute("create table if not exists pages (url text primary key, title text, words integer)");
    tandem::done_log done(file + ".done");
    tandem::cpu_executor cores;
    tandem::blocking_pool disk(1);
    http::client client;
    const auto get = [&](std::string url) { return fetch(client, site, std::move(url)); };
    const auto eight = tandem::stage_options().concurrency(8).unordered().skip();  // next time, perhaps
    auto line = tandem::pipeline("crawl", urls)
                    .skip_if([&](const std::string& url) { return done.contains(url); })
                    .io("fetch", get, eight)
                    .cpu("extract", cores, extract)
                    .batch("rows", 16, 20ms)
                    .sink("store", [&](pages batch) { return store(disk, rows, done, std::move(batch)); });
    co_return co_await line.run();
}

// ---- the crawl is killed, and started again

tandem::pipeline_report crawl_site(const std::string& file, int answering) {
    tandem::testing::http_server server;
    const strings urls = publish(server, 200, answering, 2ms);
    const auto report = tandem::run(crawl(server.url(""), urls, file));
    check(server.requests() == report.taken, "what was done before is not fetched again");
    return report;
}

long long rows_in(const std::string& file) {
    return std::filesystem::exists(file + ".done") ? database(file).number("select count(*) from pages") : 0;
}

int main(int argc, char** argv) {
    if (argc > 2) return (std::cout << tandem::run(crawl("", strings(argv + 2, argv + argc), argv[1]))).bad();
    std::string folder = (std::filesystem::temp_directory_path() / "tandem_crawl_XXXXXX").string();
    check(::mkdtemp(folder.data()), "there is room for temporary files");
    const std::string file = folder + "/pages.sqlite";
    const ::pid_t child = ::fork();  // before there are threads
    check(child >= 0, "there is room for another process");
    if (child == 0) return crawl_site(file, 150).balanced() ? 0 : 1;  // waits for page 151, and is killed
    while (rows_in(file) < 50) std::this_thread::sleep_for(1ms);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const long long before = rows_in(file);

    const tandem::pipeline_report rest = crawl_site(file, 200);
    const auto again = before - static_cast<long long>(rest.resumed);
    std::cout << rest << before << " rows when it was killed, " << again << " of them stored again\n";
    check(rest.resumed != 0 && rest.resumed + rest.stored == 200, "only what was missing was crawled");
    check(again <= static_cast<long long>(rest.max_live), "no more is repeated than was inside");
    check(rows_in(file) == 200, "every page is there");
    std::filesystem::remove_all(folder);
    std::cout << "200 pages stored; those of the killed run were not fetched again\n";
}
