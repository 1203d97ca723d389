// The stop 4-body analysis from objects: variations of momenta, overlap removal, missing momentum and its
// significance, and the row that a flat tree would have. Written from the docstrings of samples/stop4b.
#pragma once

#include "smearing.hpp"
#include "stop4b.hpp"
#include "stop4b_cuts.hpp"

#include <algorithm>
#include <cmath>

namespace stop4b {

using Momenta = ROOT::RVecD;  // transverse [GeV], in the stored order
using Marks = ROOT::RVec<char>;

constexpr int b_flavour = 5;

struct Direction {
   double eta, phi, cosine, sine;
};

inline Direction direction(double eta, double phi) { return {eta, phi, std::cos(phi), std::sin(phi)}; }

struct Lepton : Direction {
   double truth_pt;
   int charge, iff;
   bool in_acceptance, is_signal;  // the latter if it is left
};
using Leptons = std::vector<Lepton>;

struct Jet : Direction {
   double y, abs_eta;
   int flavour, n_tracks;
   bool is_tagged, is_vertexed;
};
using Jets = std::vector<Jet>;

inline Leptons make_leptons(const ROOT::RVecF &eta, const ROOT::RVecF &phi, const ROOT::RVecF &truth_pt,
                            const ROOT::RVec<char> &charge, const ROOT::RVec<char> &iff, const ROOT::RVecB &medium,
                            const ROOT::RVecB &isolated, const ROOT::RVecF &d0sig, double max_eta, double max_d0sig) {
   Leptons leptons;
   leptons.reserve(eta.size());
   for (std::size_t n = 0; n < eta.size(); ++n)
      leptons.push_back({direction(eta[n], phi[n]), truth_pt[n], charge[n], iff[n], std::abs(double{eta[n]}) < max_eta,
                         medium[n] && isolated[n] && std::abs(double{d0sig[n]}) < max_d0sig});
   return leptons;
}

inline Jets make_jets(const ROOT::RVecF &pt, const ROOT::RVecF &eta, const ROOT::RVecF &phi, const ROOT::RVecF &m,
                      const ROOT::RVec<char> &flavour, const ROOT::RVec<short> &n_tracks, const ROOT::RVecB &isb,
                      const ROOT::RVecB &passes_jvt) {
   Jets jets;
   jets.reserve(pt.size());
   for (std::size_t n = 0; n < pt.size(); ++n) {
      const double ratio = double{m[n]} / pt[n], abs_eta = std::abs(double{eta[n]});
      jets.push_back({direction(eta[n], phi[n]), std::asinh(std::sinh(double{eta[n]}) / std::sqrt(1 + ratio * ratio)),
                      abs_eta, flavour[n], n_tracks[n], isb[n] && abs_eta < 2.5, passes_jvt[n]});
   }
   return jets;
}

// Relative resolutions.

inline double resolution(const Jet &jet, double pt) {
   return std::sqrt((3.5 / pt) * (3.5 / pt) + 0.75 * 0.75 / pt + 0.03 * 0.03) * (1 + 0.05 * jet.abs_eta);
}

inline double electron_resolution(const Lepton &, double pt) {
   return std::sqrt((0.2 / pt) * (0.2 / pt) + 0.10 * 0.10 / pt + 0.01 * 0.01);
}

inline double muon_resolution(const Lepton &muon, double pt) {
   return std::sqrt(0.017 * 0.017 + (1e-4 * pt) * (1e-4 * pt)) * (1 + 0.2 * std::abs(muon.eta));
}

// Variations: of leptons and jets by themselves, of the soft term along or across the nominal hard system.

template <class Change> struct Variation {
   const char *name;
   Change *change;
};

using ChangeLepton = double(const Lepton &, double pt);

template <int sign> double scale_electron(const Lepton &electron, double pt) {
   const double abs_eta = std::abs(electron.eta);
   return pt * (1 + sign * (abs_eta < 1.37 ? 0.003 : abs_eta < 1.52 ? 0.010 : 0.006));
}

template <int percent> double spread(const Lepton &lepton, double pt) {
   return pt + percent / 100. * (pt - lepton.truth_pt);
}

template <int sign> double scale_muon(const Lepton &muon, double pt) {
   return pt * (1 + sign * (std::abs(muon.eta) < 1.05 ? 0.001 : 0.002));
}

template <int per_100_tev> double bend(const Lepton &muon, double pt) {
   return pt / (1 + muon.charge * (per_100_tev * 1e-5) * pt);
}

inline double unchanged(const Lepton &, double pt) { return pt; }

constexpr Variation<ChangeLepton> electron_variations[] = {
   {"EG_SCALE_ALL__1up", scale_electron<+1>},
   {"EG_SCALE_ALL__1down", scale_electron<-1>},
   {"EG_RESOLUTION_ALL__1up", spread<+10>},
   {"EG_RESOLUTION_ALL__1down", spread<-10>},
};

constexpr Variation<ChangeLepton> muon_variations[] = {
   {"MUON_SCALE__1up", scale_muon<+1>},
   {"MUON_SCALE__1down", scale_muon<-1>},
   {"MUON_ID__1up", spread<+3>},
   {"MUON_ID__1down", spread<-3>},
   {"MUON_MS__1up", spread<+5>},
   {"MUON_MS__1down", spread<-5>},
   {"MUON_SAGITTA_RESBIAS__1up", bend<+10>},
   {"MUON_SAGITTA_RESBIAS__1down", bend<-10>},
   {"MUON_SAGITTA_RHO__1up", bend<+5>},
   {"MUON_SAGITTA_RHO__1down", unchanged},
};

using Draws = std::array<double, 8>;  // of one jet, a normal number for each variation of the resolution
using ChangeJet = double(const Jet &, double pt, const Draws &);

inline double grouped_1(const Jet &, double pt) { return 0.003 + 0.025 * std::exp(-pt / 40); }
inline double grouped_2(const Jet &jet, double pt) { return 0.002 + 0.002 * jet.abs_eta + 0.010 * std::exp(-pt / 40); }
inline double grouped_3(const Jet &jet, double pt) {
   return 0.002 + 0.010 * std::exp(-pt / 40) + (jet.flavour == b_flavour ? 0.010 : 0.);
}
inline double flavour_response(const Jet &jet, double pt) {
   return -(jet.flavour == b_flavour ? 0.003 : 0.003 + 0.020 * std::exp(-pt / 50));
}
inline double high_energy(const Jet &jet, double pt) { return pt * std::cosh(jet.eta) > 600 ? 0.010 : 0.; }
inline double negative_eta(const Jet &jet, double) { return jet.eta > -2.8 && jet.eta < -2.0 ? 0.015 : 0.; }
inline double positive_eta(const Jet &jet, double) { return jet.eta > 2.0 && jet.eta < 2.8 ? 0.015 : 0.; }

template <double (*relative)(const Jet &, double), int sign> double scale(const Jet &jet, double pt, const Draws &) {
   return pt * (1 + sign * relative(jet, pt));
}

template <int draw, int percent> double smear(const Jet &jet, double pt, const Draws &z) {
   return pt * std::max(0.1, 1 + percent / 100. * resolution(jet, pt) * z[draw]);
}

constexpr Variation<ChangeJet> jet_variations[] = {
   {"JET_GroupedNP_1__1up", scale<grouped_1, +1>},
   {"JET_GroupedNP_1__1down", scale<grouped_1, -1>},
   {"JET_GroupedNP_2__1up", scale<grouped_2, +1>},
   {"JET_GroupedNP_2__1down", scale<grouped_2, -1>},
   {"JET_GroupedNP_3__1up", scale<grouped_3, +1>},
   {"JET_GroupedNP_3__1down", scale<grouped_3, -1>},
   {"JET_Flavor_Response__1up", scale<flavour_response, +1>},
   {"JET_Flavor_Response__1down", scale<flavour_response, -1>},
   {"JET_EtaIntercalibration_NonClosure_highE__1up", scale<high_energy, +1>},
   {"JET_EtaIntercalibration_NonClosure_highE__1down", scale<high_energy, -1>},
   {"JET_EtaIntercalibration_NonClosure_negEta__1up", scale<negative_eta, +1>},
   {"JET_EtaIntercalibration_NonClosure_negEta__1down", scale<negative_eta, -1>},
   {"JET_EtaIntercalibration_NonClosure_posEta__1up", scale<positive_eta, +1>},
   {"JET_EtaIntercalibration_NonClosure_posEta__1down", scale<positive_eta, -1>},
   {"JET_JER_DataVsMC_MC16__1up", smear<0, 30>},
   {"JET_JER_EffectiveNP_1__1up", smear<1, 35>},
   {"JET_JER_EffectiveNP_2__1up", smear<2, 35>},
   {"JET_JER_EffectiveNP_3__1up", smear<3, 30>},
   {"JET_JER_EffectiveNP_4__1up", smear<4, 30>},
   {"JET_JER_EffectiveNP_5__1up", smear<5, 25>},
   {"JET_JER_EffectiveNP_6__1up", smear<6, 25>},
   {"JET_JER_EffectiveNP_7restTerm__1up", smear<7, 20>},
};

inline std::vector<Draws> draw_for_jets(ULong64_t event, std::size_t n_jets) {
   std::vector<Draws> draws(n_jets);
   for (std::size_t jet = 0; jet < n_jets; ++jet)
      for (unsigned quad = 0; quad < 2; ++quad) {
         const auto drawn = zee::normals(event, jet, quad, jet_key);
         std::copy(drawn.begin(), drawn.end(), draws[jet].begin() + zee::draws_per_call * quad);
      }
   return draws;
}

struct Transverse {
   double x, y;

   double length() const { return std::hypot(x, y); }
};

using ChangeSoftTerm = Transverse(Transverse soft, Transverse along, const zee::Normals &);

template <int percent> Transverse scale_soft_term(Transverse soft, Transverse along, const zee::Normals &) {
   const double shift = percent / 100. * (soft.x * along.x + soft.y * along.y);
   return {soft.x + shift * along.x, soft.y + shift * along.y};
}

template <int draw, bool across>
Transverse smear_soft_term(Transverse soft, Transverse along, const zee::Normals &z) {
   const double shift = 2.0 * z[draw];
   const Transverse n = across ? Transverse{-along.y, along.x} : along;
   return {soft.x + shift * n.x, soft.y + shift * n.y};
}

constexpr Variation<ChangeSoftTerm> soft_term_variations[] = {
   {"MET_SoftTrk_ScaleUp", scale_soft_term<+10>},
   {"MET_SoftTrk_ScaleDown", scale_soft_term<-10>},
   {"MET_SoftTrk_ResoPara", smear_soft_term<0, false>},
   {"MET_SoftTrk_ResoPerp", smear_soft_term<1, true>},
};

// Selection of objects.

struct Selected {
   Marks electron, muon, jet, forward;
   int n_leptons;
   double pt_1, pt_2;  // of the leading leptons, or 0
   Transverse hard, met;

   bool passes_skim() const { return n_leptons >= 2 && met.length() > 200; }
};

inline double delta_r(double y1, double phi1, double y2, double phi2) {
   double dphi = std::abs(phi1 - phi2);
   if (dphi > M_PI) dphi = 2 * M_PI - dphi;
   return std::sqrt((y1 - y2) * (y1 - y2) + dphi * dphi);
}

inline double delta_r(const Lepton &lepton, const Jet &jet) { return delta_r(lepton.eta, lepton.phi, jet.y, jet.phi); }

inline void drop_in_jets(const Leptons &leptons, const Momenta &pt, const Jets &jets, const Marks &jet_is_left,
                         Marks &marks) {
   for (std::size_t n = 0; n < leptons.size(); ++n) {
      if (!marks[n]) continue;
      const double cone = std::min(0.4, 0.04 + 10 / pt[n]);
      for (std::size_t j = 0; j < jets.size() && marks[n]; ++j)
         if (jet_is_left[j] && delta_r(leptons[n], jets[j]) < cone) marks[n] = false;
   }
}

// Clear the marks of objects that overlap, in the order of the recipe.
inline void remove_overlaps(const Leptons &electrons, const Leptons &muons, const Jets &jets,
                            const Momenta &electron_pt, const Momenta &muon_pt, Selected &kept) {
   for (std::size_t e = 0; e < electrons.size(); ++e)
      for (std::size_t m = 0; m < muons.size(); ++m)
         if (kept.electron[e] && kept.muon[m] &&
             delta_r(electrons[e].eta, electrons[e].phi, muons[m].eta, muons[m].phi) < 0.01)
            kept.electron[e] = false;
   for (std::size_t e = 0; e < electrons.size(); ++e)
      for (std::size_t j = 0; j < jets.size() && kept.electron[e]; ++j)
         if (kept.jet[j] && (!jets[j].is_tagged || electron_pt[e] > 100) && delta_r(electrons[e], jets[j]) < 0.2)
            kept.jet[j] = false;
   for (std::size_t e = 0; e < electrons.size(); ++e)
      for (std::size_t j = 0; j < jets.size() && kept.electron[e]; ++j)
         if (kept.jet[j] && jets[j].is_tagged && delta_r(electrons[e], jets[j]) < 0.2) kept.electron[e] = false;
   for (std::size_t m = 0; m < muons.size(); ++m)
      for (std::size_t j = 0; j < jets.size() && kept.muon[m]; ++j)
         if (kept.jet[j] && jets[j].n_tracks < 3 && delta_r(muons[m], jets[j]) < 0.2) kept.jet[j] = false;
   drop_in_jets(electrons, electron_pt, jets, kept.jet, kept.electron);
   drop_in_jets(muons, muon_pt, jets, kept.jet, kept.muon);
}

// Count the leptons that are left, and find the two hardest.
inline void count(const Momenta &pt, const Marks &marks, Selected &kept) {
   for (std::size_t n = 0; n < pt.size(); ++n) {
      if (!marks[n]) continue;
      ++kept.n_leptons;
      kept.pt_2 = std::max(kept.pt_2, std::min(kept.pt_1, pt[n]));
      kept.pt_1 = std::max(kept.pt_1, pt[n]);
   }
}

// Sum of the objects that are marked.
template <class Objects, class Marked> Transverse sum(const Objects &objects, const Momenta &pt, Marked is_marked) {
   Transverse total{0., 0.};
   for (std::size_t n = 0; n < objects.size(); ++n)
      if (is_marked(n)) {
         total.x += pt[n] * objects[n].cosine;
         total.y += pt[n] * objects[n].sine;
      }
   return total;
}

inline Selected select(const Leptons &electrons, const Leptons &muons, const Jets &jets, const Momenta &electron_pt,
                       const Momenta &muon_pt, const Momenta &jet_pt, double soft_x, double soft_y) {
   Selected kept{};
   for (std::size_t n = 0; n < electrons.size(); ++n)
      kept.electron.push_back(electron_pt[n] > 4.5 && electrons[n].in_acceptance);
   for (std::size_t n = 0; n < muons.size(); ++n) kept.muon.push_back(muon_pt[n] > 4 && muons[n].in_acceptance);
   for (std::size_t n = 0; n < jets.size(); ++n) kept.jet.push_back(jet_pt[n] > 20 && jets[n].abs_eta < 2.8);
   remove_overlaps(electrons, muons, jets, electron_pt, muon_pt, kept);
   for (std::size_t n = 0; n < jets.size(); ++n) {
      const Jet &jet = jets[n];
      kept.jet[n] = kept.jet[n] && (jet.is_vertexed || jet_pt[n] >= 120 || jet.abs_eta >= 2.5);
      kept.forward.push_back(jet_pt[n] > 30 && jet.abs_eta >= 2.8 && jet.abs_eta < 4.5);
   }
   count(electron_pt, kept.electron, kept);
   count(muon_pt, kept.muon, kept);
   const auto e = sum(electrons, electron_pt, [&](std::size_t n) { return kept.electron[n]; });
   const auto m = sum(muons, muon_pt, [&](std::size_t n) { return kept.muon[n]; });
   const auto j = sum(jets, jet_pt, [&](std::size_t n) { return kept.jet[n] || kept.forward[n]; });
   kept.hard = {e.x + m.x + j.x, e.y + m.y + j.y};
   kept.met = {-(kept.hard.x + soft_x), -(kept.hard.y + soft_y)};
   return kept;
}

// Covariance of the missing momentum, along it, across it and mixed.
class Covariance {
public:
   explicit Covariance(Transverse met) : met_(met), length_(met.length()) {}

   template <class Objects, class Marked, class Resolution>
   void add(const Objects &objects, const Momenta &pt, Marked is_marked, Resolution resolution, double angle) {
      double along = 0, across = 0, mixed = 0;
      for (std::size_t n = 0; n < objects.size(); ++n) {
         if (!is_marked(n)) continue;
         const double c = (objects[n].cosine * met_.x + objects[n].sine * met_.y) / length_;
         const double s = (objects[n].sine * met_.x - objects[n].cosine * met_.y) / length_;
         const double size = pt[n] * resolution(objects[n], pt[n]), width = pt[n] * angle;
         const double longitudinal = size * size, transverse = width * width;
         along += longitudinal * c * c + transverse * s * s;
         across += longitudinal * s * s + transverse * c * c;
         mixed += (longitudinal - transverse) * c * s;
      }
      along_ += along;
      across_ += across;
      mixed_ += mixed;
   }

   double significance() const { return length_ / std::sqrt(along_ - mixed_ * mixed_ / across_); }

private:
   Transverse met_;
   double length_, along_ = 9.0 * 9.0, across_ = 9.0 * 9.0, mixed_ = 0;
};

// What the cuts that reject most ask for.
struct FirstColumns {
   float R2l, MET;
};

inline bool passes_skim_and_first(const Selected &kept) {
   if (!kept.passes_skim()) return false;
   const double met = kept.met.length();
   return passes_first_row(FirstColumns{static_cast<float>(met / (kept.pt_1 + kept.pt_2)), static_cast<float>(met)});
}

// The row of a flat tree: columns that cuts may ask for, as they are stored.
struct Row {
   bool passBadEvents, MET_trigger;
   char nlep, njet, nbjet;
   float lep1pT, lep2pT;
   bool isSignalLep1, isSignalLep2;
   char IFFTypeLep1, IFFTypeLep2;
   bool isOS, isSF;
   float mll, jet1pT, jet2pT, jet3pT, jet4pT, minDRl2j, MET, METsig, pbll, R2l, R2l4j;
};

struct Leading {
   const Lepton *lepton;
   double pt;
   bool is_electron;
};

inline std::vector<Leading> leading_leptons(const Leptons &electrons, const Leptons &muons, const Momenta &electron_pt,
                                            const Momenta &muon_pt, const Selected &kept) {
   std::vector<Leading> found;
   for (std::size_t n = 0; n < electrons.size(); ++n)
      if (kept.electron[n]) found.push_back({&electrons[n], electron_pt[n], true});
   for (std::size_t n = 0; n < muons.size(); ++n)
      if (kept.muon[n]) found.push_back({&muons[n], muon_pt[n], false});
   std::stable_sort(found.begin(), found.end(), [](const Leading &a, const Leading &b) { return a.pt > b.pt; });
   return found;
}

// For events that pass the skim: there are two leptons.
inline Row observe(const Leptons &electrons, const Leptons &muons, const Jets &jets, const Momenta &electron_pt,
                   const Momenta &muon_pt, const Momenta &jet_pt, const Selected &kept, bool passes_cleaning,
                   bool passes_trigger) {
   const auto leptons = leading_leptons(electrons, muons, electron_pt, muon_pt, kept);
   const Lepton &first = *leptons[0].lepton, &second = *leptons[1].lepton;
   const double pt1 = leptons[0].pt, pt2 = leptons[1].pt, met = kept.met.length();
   std::vector<double> hardest;
   int n_tagged = 0;
   double nearest = 1000;
   for (std::size_t n = 0; n < jets.size(); ++n) {
      if (!kept.jet[n]) continue;
      hardest.push_back(jet_pt[n]);
      n_tagged += jets[n].is_tagged;
      nearest = std::min(nearest, delta_r(second, jets[n]));
   }
   const int n_jets = hardest.size();
   std::sort(hardest.begin(), hardest.end(), std::greater<>());
   hardest.resize(4, 0.);
   const double jet_sum = hardest[0] + hardest[1] + hardest[2] + hardest[3];

   const double px = pt1 * first.cosine + pt2 * second.cosine, py = pt1 * first.sine + pt2 * second.sine;
   const double pz = pt1 * std::sinh(first.eta) + pt2 * std::sinh(second.eta);
   const double energy = pt1 * std::cosh(first.eta) + pt2 * std::cosh(second.eta);
   const double square = energy * energy - px * px - py * py - pz * pz;
   Covariance covariance(kept.met);
   covariance.add(electrons, electron_pt, [&](std::size_t n) { return kept.electron[n]; }, electron_resolution, 0.);
   covariance.add(muons, muon_pt, [&](std::size_t n) { return kept.muon[n]; }, muon_resolution, 0.);
   covariance.add(jets, jet_pt, [&](std::size_t n) { return kept.jet[n] || kept.forward[n]; }, resolution, 0.03);

   const auto stored = [](double value) { return static_cast<float>(value); };
   Row row;
   row.passBadEvents = passes_cleaning;
   row.MET_trigger = passes_trigger;
   row.nlep = kept.n_leptons;
   row.njet = n_jets;
   row.nbjet = n_tagged;
   row.lep1pT = stored(pt1);
   row.lep2pT = stored(pt2);
   row.isSignalLep1 = first.is_signal;
   row.isSignalLep2 = second.is_signal;
   row.IFFTypeLep1 = first.iff;
   row.IFFTypeLep2 = second.iff;
   row.isOS = first.charge * second.charge < 0;
   row.isSF = leptons[0].is_electron == leptons[1].is_electron;
   row.mll = stored(std::sqrt(std::max(square, 0.)));
   row.jet1pT = stored(hardest[0]);
   row.jet2pT = stored(hardest[1]);
   row.jet3pT = stored(hardest[2]);
   row.jet4pT = stored(hardest[3]);
   row.minDRl2j = stored(nearest);
   row.MET = stored(met);
   row.METsig = stored(covariance.significance());
   row.pbll = stored(std::hypot(kept.met.x + px, kept.met.y + py));
   row.R2l = stored(met / (pt1 + pt2));
   row.R2l4j = stored(met / (met + (pt1 + pt2) + jet_sum));
   return row;
}

}  // namespace stop4b
