// Writes blocks of flat rows as a tree of vectors. ROOT's ACLiC compiles this file, dictionaries included.
#include "edm4hep.h"
#include "tree_writer.hpp"

#ifdef __CLING__
#pragma link C++ class podio::ObjectID+;
#pragma link C++ class podio::CollectionIDTable+;
#pragma link C++ class edm4hep::Vector2i+;
#pragma link C++ class edm4hep::Vector3f+;
#pragma link C++ class edm4hep::Vector3d+;
#pragma link C++ class edm4hep::MCParticleData+;
#pragma link C++ class edm4hep::ReconstructedParticleData+;
#pragma link C++ class edm4hep::ClusterData+;
#pragma link C++ class edm4hep::TrackData+;
#pragma link C++ class edm4hep::TrackState+;
#pragma link C++ class edm4hep::ParticleIDData+;
#pragma link C++ class edm4hep::MCRecoParticleAssociationData+;
#pragma link C++ class edm4hep::RecoParticleRefData+;
#pragma link C++ class std::vector<podio::ObjectID>+;
#pragma link C++ class std::vector<edm4hep::MCParticleData>+;
#pragma link C++ class std::vector<edm4hep::ReconstructedParticleData>+;
#pragma link C++ class std::vector<edm4hep::ClusterData>+;
#pragma link C++ class std::vector<edm4hep::TrackData>+;
#pragma link C++ class std::vector<edm4hep::TrackState>+;
#pragma link C++ class std::vector<edm4hep::ParticleIDData>+;
#pragma link C++ class std::vector<edm4hep::MCRecoParticleAssociationData>+;
#pragma link C++ class std::vector<edm4hep::RecoParticleRefData>+;
#endif

namespace hepcol_zee_fcc {

using hepcol_samples::Column;
using hepcol_samples::ColumnOf;

class EventWriter final : public hepcol_samples::TreeWriter {
 public:
  using TreeWriter::TreeWriter;

  void write_collections(const std::vector<std::string>& names) {
    podio::CollectionIDTable table{{}, names};
    for (std::size_t index = 0; index < names.size(); ++index)
      table.m_collectionIDs.push_back(static_cast<int>(index) + 1);
    TTree metadata("metadata", "metadata tree");
    metadata.SetDirectory(file_.get());
    metadata.Branch("CollectionIDs", &table);
    metadata.Fill();
    file_->cd();
    metadata.Write();
  }

 protected:
  std::unique_ptr<Column> make_column(const std::string& type) const override {
    if (type == "int") return std::make_unique<ColumnOf<int>>();
    if (type == "float") return std::make_unique<ColumnOf<float>>();
    if (type == "podio::ObjectID") return std::make_unique<ColumnOf<podio::ObjectID>>();
    if (type == "edm4hep::MCParticleData") return std::make_unique<ColumnOf<edm4hep::MCParticleData>>();
    if (type == "edm4hep::ReconstructedParticleData")
      return std::make_unique<ColumnOf<edm4hep::ReconstructedParticleData>>();
    if (type == "edm4hep::ClusterData") return std::make_unique<ColumnOf<edm4hep::ClusterData>>();
    if (type == "edm4hep::TrackData") return std::make_unique<ColumnOf<edm4hep::TrackData>>();
    if (type == "edm4hep::TrackState") return std::make_unique<ColumnOf<edm4hep::TrackState>>();
    if (type == "edm4hep::ParticleIDData") return std::make_unique<ColumnOf<edm4hep::ParticleIDData>>();
    if (type == "edm4hep::MCRecoParticleAssociationData")
      return std::make_unique<ColumnOf<edm4hep::MCRecoParticleAssociationData>>();
    if (type == "edm4hep::RecoParticleRefData")
      return std::make_unique<ColumnOf<edm4hep::RecoParticleRefData>>();
    throw std::invalid_argument("no column of type " + type);
  }
};

}  // namespace hepcol_zee_fcc
