// What RDataFrame needs of PHYSLITE beside strings: dictionaries of its links, and functions of the electrons of an
// event, which follow them. ROOT's ACLiC compiles this file.
#include "zee_atlas_links.hpp"

#include <ROOT/RVec.hxx>

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

// Mass of two massless electrons [GeV].
double mass(const RVecF &pt, const RVecF &eta, const RVecF &phi) {
   const double product = pt[0] * gev * (pt[1] * gev);
   return std::sqrt(2 * product * (std::cosh(double{eta[0]} - eta[1]) - std::cos(double{phi[0]} - phi[1])));
}

}  // namespace zee_atlas
