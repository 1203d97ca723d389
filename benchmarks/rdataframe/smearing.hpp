// The smearing of electron pairs in C++: hepcol's random numbers and arithmetic, operation by operation, so that
// an RDataFrame gives the same bits. ROOT-free but for RVec, which is how RDataFrame hands over a column.
#pragma once

#include <ROOT/RVec.hxx>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

// On a CPU with fused multiply-add a compiler may round a * b + c once instead of twice. ROOT's interpreter is
// clang, which obeys this pragma; gcc does not know it and needs -ffp-contract=off.
#ifdef __clang__
#pragma clang fp contract(off)
#endif

namespace zee {

using ROOT::RVecD;

// Elementary functions from + - * / and sqrt, which IEEE 754 rounds correctly; libm's last bit depends on the CPU.

constexpr double pi = 3.141592653589793;
constexpr int terms = 12;
using Series = std::array<double, terms>;

constexpr Series odd_reciprocals(double sign) {  // 1, s/3, s^2/5, ...
   Series series{};
   double power = 1.0;
   for (int k = 0; k < terms; ++k, power *= sign) series[k] = power / (2 * k + 1);
   return series;
}

constexpr Series trigonometric(double first, int offset) {  // of sin(pi w) or cos(pi w) in powers of w^2
   Series series{first};
   for (int k = 0; k + 1 < terms; ++k)
      series[k + 1] = -series[k] * pi * pi / ((2 * k + 1 + offset) * (2 * k + 2 + offset));
   return series;
}

constexpr Series log_series = odd_reciprocals(1.0), atan_series = odd_reciprocals(-1.0);
constexpr Series sin_series = trigonometric(pi, 1), cos_series = trigonometric(1.0, 0);

inline double horner(const Series &coefficients, double x) {
   double total = 0.0;
   for (int k = terms - 1; k >= 0; --k) total = total * x + coefficients[k];
   return total;
}

inline double log(double x) {
   int exponent;
   double mantissa = std::frexp(x, &exponent);
   if (mantissa < 0.7071067811865476) {
      mantissa *= 2.0;
      --exponent;
   }
   const double s = (mantissa - 1.0) / (mantissa + 1.0);
   return exponent * 0.6931471805599453 + 2.0 * s * horner(log_series, s * s);
}

inline double asinh(double x) {
   const double magnitude = log(std::abs(x) + std::sqrt(x * x + 1.0));
   return x < 0.0 ? -magnitude : magnitude;
}

inline double atan2(double y, double x) {
   const double abs_x = std::abs(x), abs_y = std::abs(y);
   const double larger = std::max(abs_x, abs_y), smaller = std::min(abs_x, abs_y);
   if (larger == 0.0) return 0.0;
   double t = smaller / larger;
   for (int halving = 0; halving < 2; ++halving) t = t / (1.0 + std::sqrt(1.0 + t * t));
   double angle = 4.0 * t * horner(atan_series, t * t);
   if (abs_y > abs_x) angle = 0.5 * pi - angle;
   if (x < 0.0) angle = pi - angle;
   return y < 0.0 ? -angle : angle;
}

// Random numbers: Philox4x32-10 (Salmon et al., SC '11, doi:10.1145/2063384.2063405) and Box-Muller.

using Words = std::array<std::uint32_t, 4>;

inline Words philox(Words counter, std::uint64_t key) {
   auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
   for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
      const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter[0];
      const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * counter[2];
      counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ k0, static_cast<std::uint32_t>(b),
                 static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ k1, static_cast<std::uint32_t>(a)};
   }
   return counter;
}

constexpr int draws_per_call = 4;
using Normals = std::array<double, draws_per_call>;

// The standard normals of draws 4 * quad to 4 * quad + 3 of one object of one event.
inline Normals normals(std::uint64_t event, std::uint32_t object, std::uint32_t quad, std::uint64_t key) {
   const Words words = philox(
      {static_cast<std::uint32_t>(event), static_cast<std::uint32_t>(event >> 32), object, quad}, key);
   Normals drawn;
   for (int n = 0; n < draws_per_call; n += 2) {
      const double radius = std::sqrt(-2.0 * log(((words[n] >> 1) + 0.5) * 0x1p-31));
      // 31 bits are the angle in the right half plane, in units of pi; the top bit is the sign of the cosine
      const double w = static_cast<std::int32_t>(words[n + 1] << 1) * 0x1p-32;
      const double sine = w * horner(sin_series, w * w), cosine = horner(cos_series, w * w);
      drawn[n] = radius * (words[n + 1] >> 31 ? -cosine : cosine);
      drawn[n + 1] = radius * sine;
   }
   return drawn;
}

// Electron pairs. Columns have one element for each of the two electrons.

inline RVecD energies(const RVecD &px, const RVecD &py, const RVecD &pz, const RVecD &mass) {
   RVecD energy(px.size());
   for (std::size_t n = 0; n < px.size(); ++n)
      energy[n] = std::sqrt(px[n] * px[n] + py[n] * py[n] + pz[n] * pz[n] + mass[n] * mass[n]);
   return energy;
}

// Positions of the candidate of highest energy and of its highest-energy partner of opposite charge.
inline ROOT::RVec<std::size_t>
leading_pair(const RVecD &energy, const RVecD &charge, const ROOT::RVec<std::size_t> &candidates) {
   if (candidates.empty()) return {};
   const auto softer = [&](std::size_t i, std::size_t j) { return energy[i] < energy[j]; };
   const std::size_t leading = *std::max_element(candidates.begin(), candidates.end(), softer);
   const auto partners = ROOT::VecOps::Filter(
      candidates, [&](std::size_t i) { return charge[i] * charge[leading] < 0; });
   if (partners.empty()) return {};
   return {leading, *std::max_element(partners.begin(), partners.end(), softer)};
}

inline double square_sum(double x, double y, double z) { return x * x + y * y + z * z; }

inline double cos_angle(const RVecD &px, const RVecD &py, const RVecD &pz) {
   const double scalar = px[0] * px[1] + py[0] * py[1] + pz[0] * pz[1];
   return scalar / (std::sqrt(square_sum(px[0], py[0], pz[0])) * std::sqrt(square_sum(px[1], py[1], pz[1])));
}

inline double total_momentum_square(const RVecD &px, const RVecD &py, const RVecD &pz) {
   return square_sum(px[0] + px[1], py[0] + py[1], pz[0] + pz[1]);
}

inline double delta_r(const RVecD &px, const RVecD &py, const RVecD &pz) {
   const auto eta = [&](int n) { return asinh(pz[n] / std::sqrt(px[n] * px[n] + py[n] * py[n])); };
   double d_phi = std::abs(atan2(py[0], px[0]) - atan2(py[1], px[1]));
   if (d_phi > pi) d_phi = 2.0 * pi - d_phi;
   const double d_eta = eta(0) - eta(1);
   return std::sqrt(d_eta * d_eta + d_phi * d_phi);
}

inline double mass_of_square(double square) { return std::sqrt(square < 0.0 ? 0.0 : square); }

struct Smeared {  // one element a variation
   RVecD e1, e2, m_ee;
};

inline Smeared of_size(std::size_t variations) {
   return {RVecD(variations), RVecD(variations), RVecD(variations)};
}

// The momentum follows the smeared energy; the direction stays.
inline Smeared smear(std::uint64_t event, const ROOT::RVec<std::size_t> &object, const RVecD &energy,
                     const RVecD &mass, double cosine, double sigma, std::uint64_t key, int variations) {
   Smeared smeared = of_size(variations);
   const double m1 = mass[0], m2 = mass[1];
   for (int first = 0; first < variations; first += draws_per_call) {
      const Normals z1 = normals(event, object[0], first / draws_per_call, key);
      const Normals z2 = normals(event, object[1], first / draws_per_call, key);
      for (int n = first; n < std::min(first + draws_per_call, variations); ++n) {
         const double e1 = energy[0] + sigma * z1[n - first], e2 = energy[1] + sigma * z2[n - first];
         const double p1 = std::sqrt(std::max(e1 * e1 - m1 * m1, 0.0));
         const double p2 = std::sqrt(std::max(e2 * e2 - m2 * m2, 0.0));
         smeared.e1[n] = e1;
         smeared.e2[n] = e2;
         smeared.m_ee[n] = mass_of_square(m1 * m1 + m2 * m2 + 2.0 * (e1 * e2 - p1 * p2 * cosine));
      }
   }
   return smeared;
}

// As the original study: the mass and each energy from draws of their own, the momenta left as they are.
inline Smeared smear_independently(std::uint64_t event, const ROOT::RVec<std::size_t> &object, const RVecD &energy,
                                   double p_square, double sigma, const std::array<std::uint64_t, 3> &keys,
                                   int variations) {
   Smeared smeared = of_size(variations);
   for (int first = 0; first < variations; first += draws_per_call) {
      const std::uint32_t quad = first / draws_per_call;
      const Normals z1 = normals(event, object[0], quad, keys[0]), z2 = normals(event, object[1], quad, keys[1]);
      const Normals y1 = normals(event, object[0], quad, keys[2]), y2 = normals(event, object[1], quad, keys[2]);
      for (int n = first; n < std::min(first + draws_per_call, variations); ++n) {
         const int k = n - first;
         const double total = (energy[0] + sigma * y1[k]) + (energy[1] + sigma * y2[k]);
         smeared.e1[n] = energy[0] + sigma * z1[k];
         smeared.e2[n] = energy[1] + sigma * z2[k];
         smeared.m_ee[n] = mass_of_square(total * total - p_square);
      }
   }
   return smeared;
}

}  // namespace zee
