// SPDX-License-Identifier: BSL-1.0
#include "corpus.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string_view>

namespace quest::text {
namespace {

constexpr std::size_t sentences_in_paragraph = 8;

/// Words of a paragraph, with their commas and full stops.
using paragraph = std::vector<std::string>;

class writer {
public:
    explicit writer(std::uint64_t seed) : random_(seed) {
        for (std::size_t i = 0; i < 2400; ++i) vocabulary_.push_back(made_up_word(1 + below(3)));
    }

    std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
    template <class Words>
    std::string one_of(const Words& words) {
        return std::string(words[below(words.size())]);
    }
    std::string name() {
        std::string n = made_up_word(2) + one_of(endings);
        n[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(n[0])));
        return n;
    }
    /// Ten to fourteen words about the subject.
    paragraph sentence(std::size_t subject) {
        paragraph words;
        const std::size_t length = 10 + below(5);
        for (std::size_t i = 0; i < length; ++i) words.push_back(next_word(subject));
        words[0][0] = static_cast<char>(std::toupper(static_cast<unsigned char>(words[0][0])));
        if (below(3) == 0) words[length / 2] += ',';
        words.back() += '.';
        return words;
    }

    static constexpr std::array<std::string_view, 6> endings{"holm", "vik", "mark", "stad", "wick", "ford"};

private:
    std::string made_up_word(std::size_t syllables) {
        static constexpr std::string_view first = "bdfgklmnprstvw";
        static constexpr std::string_view second = "aeiou";
        std::string w;
        for (std::size_t i = 0; i < syllables; ++i) {
            w += first[below(first.size())];
            w += second[below(second.size())];
            if (below(2) == 0) w += "nrlst"[below(5)];
        }
        return w;
    }
    // A third of the words are the small ones of the language, a third belong to the subject, and the rest
    // are drawn from all, the early ones more often.
    std::string next_word(std::size_t subject) {
        static constexpr std::array<std::string_view, 12> small{"the", "of", "and", "in",   "was", "to",
                                                                "by",  "on", "a",   "with", "for", "from"};
        const std::size_t kind = below(3);
        if (kind == 0) return one_of(small);
        if (kind == 1) return vocabulary_[(subject * 97 + below(24)) % vocabulary_.size()];
        const double u = static_cast<double>(below(1'000'000)) / 1e6;
        return vocabulary_[static_cast<std::size_t>(u * u * static_cast<double>(vocabulary_.size()))];
    }

    std::mt19937_64 random_;  // the same everywhere, which its distributions are not
    std::vector<std::string> vocabulary_;
};

constexpr std::array<std::string_view, 8> things{"bridge",      "lighthouse", "granary", "windmill",
                                                 "observatory", "aqueduct",   "chapel",  "harbour"};
constexpr std::array<std::string_view, 8> materials{"larch", "granite", "basalt",    "oak",
                                                    "brick", "slate",   "limestone", "copper"};

/// What the question is about.
class fact {
public:
    explicit fact(writer& by)
        : thing(by.one_of(things)),
          place(by.name()),
          material(by.one_of(materials)),
          year(1800 + by.below(150)) {}

    static std::string sentence(std::string_view thing, std::string_view place, std::string_view material,
                                std::size_t year, std::string_view tail) {
        return "The " + std::string(thing) + " at " + std::string(place) + " was built of " +
               std::string(material) + " in " + std::to_string(year) + std::string(tail) + ".";
    }
    std::string gold(writer& by) const {
        static constexpr std::array<std::string_view, 4> tails{
            "", ", as the records say", " and stands to this day", " by the people of the valley"};
        return sentence(thing, place, material, year, by.one_of(tails));
    }
    /// The thing elsewhere, or something else at the place.
    std::string distractor(writer& by) const {
        std::string other_material = by.one_of(materials);
        while (other_material == material) other_material = by.one_of(materials);
        const std::size_t other_year = year + 1 + by.below(100);
        if (by.below(2) == 0) return sentence(thing, by.name(), other_material, other_year, "");
        std::string other = by.one_of(things);
        while (other == thing) other = by.one_of(things);
        return sentence(other, place, other_material, other_year, "");
    }

    std::string thing;
    std::string place;
    std::string material;
    std::size_t year;
};

paragraph words_of_sentence(const std::string& sentence) {
    paragraph words;
    for (std::size_t at = 0; at < sentence.size();) {
        const std::size_t end = std::min(sentence.find(' ', at), sentence.size());
        words.push_back(sentence.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

/// Changes words until the copy has the wanted similarity to the original. A changed word takes five
/// common runs away, one near the end as many as it stands from there.
paragraph altered(paragraph words, double similarity) {
    const std::size_t runs = words.size() - 4;
    auto lost = static_cast<std::size_t>(
        std::lround(static_cast<double>(runs) * (1 - similarity) / (1 + similarity)));
    const auto change = [&words](std::size_t at) {
        std::string& w = words[at];
        const bool stop = w.back() == '.' || w.back() == ',';
        w = "altered" + std::to_string(at) + (stop ? std::string(1, w.back()) : std::string());
    };
    for (std::size_t at = 6; lost >= 5 && at + 12 < words.size(); at += 7, lost -= 5) change(at);
    if (lost != 0) change(words.size() - lost);
    return words;
}

class source_plan {
public:
    source_plan(writer& by, std::size_t sentences, std::size_t source) {
        for (std::size_t written = 0; written < sentences; written += sentences_in_paragraph) {
            const std::size_t subject = source * 10'000 + paragraphs.size() / 3;
            const std::size_t count = std::min(sentences_in_paragraph, sentences - written);
            paragraph all;
            for (std::size_t i = 0; i < count; ++i) {
                paragraph one = by.sentence(subject);
                all.insert(all.end(), one.begin(), one.end());
            }
            paragraphs.push_back(std::move(all));
        }
    }
    /// Puts a sentence in the place of the second one of a paragraph.
    void plant(std::size_t where, const std::string& sentence) {
        paragraph& p = paragraphs[where];
        const auto is_end = [](const std::string& w) { return w.back() == '.'; };
        const auto first = std::find_if(p.begin(), p.end(), is_end) + 1;
        const auto last = std::find_if(first, p.end(), is_end) + 1;
        const paragraph words = words_of_sentence(sentence);
        p.insert(p.erase(first, last), words.begin(), words.end());
    }
    /// Paragraphs whose number leaves this rest when divided by four: each kind of plant has its own.
    std::vector<std::size_t> with_rest(std::size_t rest) const {
        std::vector<std::size_t> found;
        for (std::size_t i = rest; i + 1 < paragraphs.size(); i += 4) found.push_back(i);
        return found;
    }
    std::string text() const {
        std::string all;
        for (const paragraph& p : paragraphs) {
            for (const std::string& w : p) (all += w) += ' ';
            all.back() = '\n';
            all += '\n';
        }
        return all;
    }

    std::vector<paragraph> paragraphs;
};

}  // namespace

corpus make_corpus(std::uint64_t seed, std::size_t sources, std::size_t sentences) {
    if (sentences < 4 * sentences_in_paragraph) {
        throw std::invalid_argument("quest::make_corpus: " + std::to_string(sentences) +
                                    " sentences have no room for question and answer; give 32 or more");
    }
    writer by(seed);
    const fact known(by);
    corpus made;
    made.question = "What was the " + known.thing + " at " + known.place + " built of?";
    made.answer = known.material;
    std::vector<source_plan> plans;
    for (std::size_t s = 0; s < sources; ++s) {
        source_plan& plan = plans.emplace_back(by, sentences, s);
        const std::vector<std::size_t> for_gold = plan.with_rest(1);
        made.gold.push_back(for_gold[by.below(for_gold.size())]);
        plan.plant(made.gold.back(), known.gold(by));
        for (const std::size_t where : plan.with_rest(0)) plan.plant(where, known.distractor(by));
        if (s == 0) continue;
        const std::vector<std::size_t> for_copies = plan.with_rest(2);
        for (std::size_t i = 0; i < std::min<std::size_t>(for_copies.size(), 4); ++i) {
            planted_copy copy;
            copy.source = s;
            copy.paragraph = for_copies[i];
            copy.of_source = s - 1;
            copy.of_paragraph = for_copies[i] + 1;
            if (copy.of_paragraph + 1 >= plans[s - 1].paragraphs.size()) break;
            copy.similarity = std::array{0.7, 0.8, 0.9, 0.95}[i];
            plan.paragraphs[copy.paragraph] =
                altered(plans[s - 1].paragraphs[copy.of_paragraph], copy.similarity);
            made.copies.push_back(copy);
        }
    }
    for (const source_plan& plan : plans) made.documents.push_back(plan.text());
    return made;
}

}  // namespace quest::text
