// Links of PHYSLITE, as its files know them: the key of a collection, and an index into it.
//
// The templates are declared and not defined, which differs from samples/zee_atlas/physlite.h: files of ATLAS have links
// to ten more types, and ROOT 6.40 crashes where it opens one and the interpreter could make these of the templates.
#pragma once

#include <cstdint>
#include <vector>

class ElementLinkBase {
public:
   std::uint32_t m_persKey, m_persIndex;
};

template <class Element> class DataVector;
template <class Storage> class ElementLink;

namespace xAOD {
class CaloCluster_v1;
class IParticle;
}  // namespace xAOD

template <> class ElementLink<DataVector<xAOD::CaloCluster_v1>> : public ElementLinkBase {};
template <> class ElementLink<DataVector<xAOD::IParticle>> : public ElementLinkBase {};

using ClusterLink = ElementLink<DataVector<xAOD::CaloCluster_v1>>;
using ParticleLink = ElementLink<DataVector<xAOD::IParticle>>;
