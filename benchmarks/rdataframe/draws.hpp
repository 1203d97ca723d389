// Normal numbers from a generator of the standard library: of those tried the fastest, see action.cpp.
#pragma once

#include "single.hpp"

#include <random>

namespace {

inline std::mt19937_64 seeded(std::uint64_t seed, unsigned stream) {
   std::seed_seq seeds{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32), stream};
   return std::mt19937_64(seeds);
}

// The loops are separate so that the compiler vectorises the second; n is at most block_size.
inline void draw(std::mt19937_64 &generator, int n, Normals &first, Normals &second) {
   alignas(64) std::uint32_t words[2][block_size];
   for (int i = 0; i < n; ++i) {
      const std::uint64_t word = generator();
      words[0][i] = static_cast<std::uint32_t>(word);
      words[1][i] = static_cast<std::uint32_t>(word >> 32);
   }
   for (int i = 0; i < n; ++i) normal_pair(words[0][i], words[1][i], first[i], second[i]);
}

}  // namespace
