// hepcol's arithmetic in single precision, operation by operation. Without names outside a translation unit: the
// units differ in whether the compiler may contract a * b + c, and a linker would keep one copy of two.
#pragma once

#include "smearing_block.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

using study::block_size;

constexpr float two_ln_2 = 1.3862943611198906, two_to_minus_32 = 0x1p-32f;
constexpr std::uint32_t sqrt_half_bits = 0x3F3504F3u, sign_bit = 0x80000000u;

// Minimax polynomials of -2 ln(1 + f) / f, and of sin(pi w) / w and cos(pi w) in powers of w^2
constexpr float L0 = -2.0000064373016357, L1 = 1.0000393390655518, L2 = -0.6660659909248352, L3 = 0.49762678146362305,
                L4 = -0.4120934307575226, L5 = 0.3780395984649658, L6 = -0.23654969036579132;
constexpr float S0 = 3.1415820121765137, S1 = -5.167142868041992, S2 = 2.5418989658355713, S3 = -0.5546361804008484;
constexpr float C0 = 0.9999999403953552, C1 = -4.934792995452881, C2 = 4.058412075042725, C3 = -1.3318802118301392,
                C4 = 0.2196968048810959;

template <class To, class From>
inline To bits_as(From from) {
   static_assert(sizeof(To) == sizeof(From));
   To to;
   std::memcpy(&to, &from, sizeof(To));
   return to;
}

// Two standard normals from two words (Box, Muller 1958), in the half-plane form of normals() in smearing.hpp.
inline void normal_pair(std::uint32_t word_1, std::uint32_t word_2, float &first, float &second) {
   const auto bits = bits_as<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(word_1 >> 1)) + 0.5f);
   const std::int32_t exponent = static_cast<std::int32_t>(bits - sqrt_half_bits) >> 23;
   const float f = bits_as<float>(bits - (static_cast<std::uint32_t>(exponent) << 23)) - 1.0f;
   const float series = L0 + f * (L1 + f * (L2 + f * (L3 + f * (L4 + f * (L5 + f * L6)))));
   const float radius = std::sqrt(static_cast<float>(31 - exponent) * two_ln_2 + f * series);
   const float w = static_cast<float>(static_cast<std::int32_t>(word_2 << 1)) * two_to_minus_32;
   const float y = w * w;
   const float sine = w * (S0 + y * (S1 + y * (S2 + y * S3)));
   const float cosine = C0 + y * (C1 + y * (C2 + y * (C3 + y * C4)));
   first = radius * bits_as<float>(bits_as<std::uint32_t>(cosine) ^ (word_2 & sign_bit));
   second = radius * sine;
}

struct Axis {
   float low, scale;
   constexpr Axis(double from, double to) : low(from), scale(study::n_bins / (to - from)) {}

   // counts from the underflow; NaN goes to the overflow, as the minimum is first
   std::uint16_t bin(float x) const {
      constexpr float overflow = study::n_bins + 1;
      float position = (x - low) * scale + 1.0f;
      position = position < overflow ? position : overflow;
      position = position > 0.0f ? position : 0.0f;
      return static_cast<std::uint16_t>(static_cast<std::int32_t>(position));
   }
};

constexpr Axis energy_axis(0.0, 100.0), mass_axis(84.0, 98.0);

inline float root(float square) { return std::sqrt(square < 0.0f ? 0.0f : square); }

using Normals = float[block_size];

// The loops below have no branch and no call, so that the compiler vectorises them.

inline void bin_pairs(const study::Block &block, float sigma, const Normals &z1, const Normals &z2, study::Bins &bins) {
   for (int i = 0; i < block_size; ++i) {
      const float e1 = block.e1[i] + sigma * z1[i], e2 = block.e2[i] + sigma * z2[i];
      bins.number[0][i] = energy_axis.bin(e1);
      bins.number[1][i] = energy_axis.bin(e2);
      bins.number[2][i] = mass_axis.bin(root(block.opening[i] * e1 * e2));
   }
}

inline void bin_independently(const study::Block &block, float sigma, const Normals &z1, const Normals &z2,
                              const Normals &y1, const Normals &y2, study::Bins &bins) {
   for (int i = 0; i < block_size; ++i) {
      const float shift = sigma * y1[i] + sigma * y2[i];
      bins.number[0][i] = energy_axis.bin(block.e1[i] + sigma * z1[i]);
      bins.number[1][i] = energy_axis.bin(block.e2[i] + sigma * z2[i]);
      bins.number[2][i] = mass_axis.bin(root(block.mass_square[i] + shift * (block.sum[i] + shift)));
   }
}

}  // namespace
