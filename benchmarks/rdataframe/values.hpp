// The smeared values of one pair, for RDataFrame's columns; for the interpreter too.
#pragma once

#include "smearing_block.hpp"

#include <random>

namespace study {

struct Smeared {  // one element a variation
   ROOT::RVecF e1, e2, m_ee;
};

std::mt19937_64 make_generator(std::uint64_t seed, unsigned stream);
Smeared smear(const Pair &pair, const Task &task, std::mt19937_64 &generator);

// With the generator of this process: for a worker of a cluster, which has one thread.
Smeared smear(const Pair &pair, const Task &task);
void seed_process(std::uint64_t seed, unsigned stream);

}  // namespace study
