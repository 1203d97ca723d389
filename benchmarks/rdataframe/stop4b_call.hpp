// The function of a library that Python calls: lines of text go in and come out.
#pragma once

#include "stop4b.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <sstream>

namespace stop4b {

Outcome run(const Options &options);

inline std::vector<std::string> lines(const char *text) {
   std::vector<std::string> found;
   std::istringstream stream(text);
   for (std::string line; std::getline(stream, line);) found.push_back(line);
   return found;
}

inline std::string write(const Outcome &outcome, double seconds) {
   std::ostringstream text;
   text.precision(17);
   text << outcome.rows << '\t' << seconds << '\n';
   for (const auto &[sample, variations] : outcome.yields)
      for (const auto &[variation, regions] : variations)
         for (const auto &[region, yield] : regions)
            text << sample << '\t' << variation << '\t' << region << '\t' << yield.number << '\t' << yield.weights
                 << '\t' << yield.squares << '\n';
   return text.str();
}

}  // namespace stop4b

// Returns the number of rows and the seconds of the run, then a line for each yield; or "error" and what went wrong.
extern "C" const char *stop4b_run(const char *paths, const char *variations, int threads) {
   static std::string answer;
   try {
      const auto start = std::chrono::steady_clock::now();
      if (threads > 0) ROOT::EnableImplicitMT(threads);
      const auto chosen = stop4b::lines(variations);
      const auto outcome = stop4b::run({stop4b::lines(paths), {chosen.begin(), chosen.end()}});
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      answer = stop4b::write(outcome, seconds.count());
   } catch (const std::exception &exception) {
      answer = std::string("error\t") + exception.what();
   }
   return answer.c_str();
}
