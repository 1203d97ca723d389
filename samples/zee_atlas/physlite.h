// Types of xAOD as their files know them. Facts of the format: a link is two numbers, the key of a collection and
// an index into it; what a collection holds is part of the link's type and nothing else.
#pragma once
#include <cstdint>
#include <vector>

class ElementLinkBase {
 public:
  std::uint32_t m_persKey;
  std::uint32_t m_persIndex;
};

template <class Element>
class DataVector {};

template <class Storage>
class ElementLink : public ElementLinkBase {};

namespace xAOD {
class CaloCluster_v1 {};
class Vertex_v1 {};
class IParticle {};
}  // namespace xAOD

using ClusterLink = ElementLink<DataVector<xAOD::CaloCluster_v1>>;
using VertexLink = ElementLink<DataVector<xAOD::Vertex_v1>>;
using ParticleLink = ElementLink<DataVector<xAOD::IParticle>>;
