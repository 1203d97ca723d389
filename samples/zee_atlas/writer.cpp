// Writes blocks of flat rows as a tree of PHYSLITE. ROOT's ACLiC compiles this file, dictionaries included.
#include "physlite.h"
#include "tree_writer.hpp"

#ifdef __CLING__
#pragma link C++ class ElementLinkBase+;
#pragma link C++ class ElementLink<DataVector<xAOD::CaloCluster_v1> >+;
#pragma link C++ class ElementLink<DataVector<xAOD::Vertex_v1> >+;
#pragma link C++ class ElementLink<DataVector<xAOD::IParticle> >+;
#pragma link C++ class std::vector<std::vector<ElementLink<DataVector<xAOD::CaloCluster_v1> > > >+;
#pragma link C++ class std::vector<std::vector<ElementLink<DataVector<xAOD::Vertex_v1> > > >+;
#pragma link C++ class std::vector<std::vector<ElementLink<DataVector<xAOD::IParticle> > > >+;
#pragma link C++ class std::vector<std::vector<float> >+;
#endif

namespace hepcol_zee_atlas {

using namespace hepcol_samples;

class EventWriter final : public TreeWriter {
 public:
  using TreeWriter::TreeWriter;

 protected:
  std::unique_ptr<Column> make_column(const std::string& type) const override {
    if (type == "float") return std::make_unique<NumberOf<float>>('F');
    if (type == "char") return std::make_unique<NumberOf<char>>('B');
    if (type == "uint32_t") return std::make_unique<NumberOf<std::uint32_t>>('i');
    if (type == "uint64_t") return std::make_unique<NumberOf<std::uint64_t>>('l');
    if (type == "vector<float>") return std::make_unique<ColumnOf<float>>();
    if (type == "vector<char>") return std::make_unique<ColumnOf<char>>();
    if (type == "vector<int32_t>") return std::make_unique<ColumnOf<std::int32_t>>();
    if (type == "vector<uint16_t>") return std::make_unique<ColumnOf<std::uint16_t>>();
    if (type == "vector<uint32_t>") return std::make_unique<ColumnOf<std::uint32_t>>();
    if (type == "vector<vector<float>>") return std::make_unique<ListsOf<float>>();
    if (type == "vector<vector<ClusterLink>>") return std::make_unique<ListsOf<ClusterLink>>();
    if (type == "vector<vector<VertexLink>>") return std::make_unique<ListsOf<VertexLink>>();
    if (type == "vector<vector<ParticleLink>>") return std::make_unique<ListsOf<ParticleLink>>();
    throw std::invalid_argument("no column of type " + type);
  }
};

}  // namespace hepcol_zee_atlas
