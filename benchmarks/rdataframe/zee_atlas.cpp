// What RDataFrame needs of PHYSLITE beside strings: dictionaries of its links, and functions of the electrons of an
// event, which follow them. ROOT's ACLiC compiles this file.
#include "zee_atlas_links.hpp"

#include <ROOT/RVec.hxx>

#include <algorithm>
#include <cmath>
#include <limits>

#ifdef __CLING__
#pragma link C++ class ElementLinkBase+;
#pragma link C++ class ElementLink<DataVector<xAOD::CaloCluster_v1> >+;
#pragma link C++ class ElementLink<DataVector<xAOD::IParticle> >+;
#pragma link C++ class std::vector<std::vector<ElementLink<DataVector<xAOD::CaloCluster_v1> > > >+;
#pragma link C++ class std::vector<std::vector<ElementLink<DataVector<xAOD::IParticle> > > >+;
#endif

namespace zee_atlas {

using ROOT::RVecD;
using ROOT::RVecF;
using ROOT::RVecI;

constexpr double crack_begin = 1.37, crack_end = 1.52, gev = 1e-3;

// |eta| of the first cluster of each electron in the second layer; infinite without a cluster.
RVecD abs_eta(const ROOT::RVec<std::vector<ClusterLink>> &links, const RVecF &eta) {
   RVecD found(links.size(), std::numeric_limits<double>::infinity());
   for (std::size_t n = 0; n < links.size(); ++n) {
      if (links[n].empty()) continue;
      const ClusterLink &link = links[n][0];
      if (link.m_persKey != 0 && link.m_persIndex < eta.size()) found[n] = std::abs(double{eta[link.m_persIndex]});
   }
   return found;
}

RVecI select(const RVecF &pt, const RVecD &abs_eta, const ROOT::RVec<char> &medium, const RVecF &ptvarcone30,
             const RVecF &topoetcone20) {
   RVecI selected(pt.size());
   for (std::size_t n = 0; n < pt.size(); ++n)
      selected[n] = medium[n] && abs_eta[n] < 2.47 && !(abs_eta[n] > crack_begin && abs_eta[n] < crack_end) &&
                    double{ptvarcone30[n]} / pt[n] < 0.15 && double{topoetcone20[n]} / pt[n] < 0.20;
   return selected;
}

// Which of the electrons a trigger was matched to.
RVecI matched(const ROOT::RVec<std::vector<ParticleLink>> &combinations, std::size_t electrons) {
   RVecI found(electrons);
   for (const auto &combination : combinations)
      for (const ParticleLink &link : combination)
         if (link.m_persIndex < electrons) found[link.m_persIndex] = 1;
   return found;
}

// Whether one of the selected electrons is matched.
bool fires(const RVecI &selected, const RVecI &matched) {
   for (std::size_t n = 0; n < selected.size(); ++n)
      if (selected[n] && matched[n]) return true;
   return false;
}

// The selected electrons above 27 GeV, by falling pt.
RVecI hard(const RVecF &pt, const RVecI &selected) {
   RVecI found;
   for (std::size_t n = 0; n < pt.size(); ++n)
      if (selected[n] && pt[n] * gev > 27) found.push_back(n);
   std::stable_sort(found.begin(), found.end(), [&](int i, int j) { return pt[i] > pt[j]; });
   return found;
}

// Mass of two massless electrons [GeV].
double mass(const RVecF &pt, const RVecF &eta, const RVecF &phi, const RVecI &pair) {
   const int i = pair[0], j = pair[1];
   const double product = pt[i] * gev * (pt[j] * gev);
   return std::sqrt(2 * product * (std::cosh(double{eta[i]} - eta[j]) - std::cos(double{phi[i]} - phi[j])));
}

}  // namespace zee_atlas
