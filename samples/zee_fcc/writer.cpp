// Writes blocks of flat rows as a tree of vectors. ROOT's ACLiC compiles this file, dictionaries included.
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "TFile.h"
#include "TObjString.h"
#include "TTree.h"
#include "edm4hep.h"

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

namespace hepcol_samples {

// One branch: the rows of event k are offsets[k] up to offsets[k + 1].
class Column {
 public:
  virtual ~Column() = default;
  virtual void attach(TTree& tree, const char* name) = 0;
  virtual void load(std::int64_t event) = 0;
  virtual std::size_t row_size() const = 0;

  const void* rows = nullptr;
  const std::int64_t* offsets = nullptr;
};

template <class Row>
class ColumnOf final : public Column {
 public:
  void attach(TTree& tree, const char* name) override { tree.Branch(name, &values_); }
  void load(std::int64_t event) override {
    const Row* first = static_cast<const Row*>(rows);
    values_.assign(first + offsets[event], first + offsets[event + 1]);
  }
  std::size_t row_size() const override { return sizeof(Row); }

 private:
  std::vector<Row> values_;
};

inline std::unique_ptr<Column> make_column(const std::string& type) {
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

class EventWriter {
 public:
  EventWriter(const std::string& url, int compression)
      : file_(TFile::Open(url.c_str(), "RECREATE", "", compression)) {
    if (!file_ || file_->IsZombie()) throw std::runtime_error("cannot write " + url);
    tree_ = new TTree("events", "Events tree");  // the file owns it
    tree_->SetDirectory(file_.get());
  }

  void add(const std::string& name, const std::string& type) {
    columns_.push_back(make_column(type));
    columns_.back()->attach(*tree_, name.c_str());
  }

  // Addresses come as integers because that is what numpy gives for any dtype.
  void set(std::size_t column, std::uintptr_t rows, std::uintptr_t offsets, std::size_t row_size) {
    if (columns_.at(column)->row_size() != row_size) throw std::invalid_argument("row sizes differ");
    columns_[column]->rows = reinterpret_cast<const void*>(rows);
    columns_[column]->offsets = reinterpret_cast<const std::int64_t*>(offsets);
  }

  void fill(std::int64_t events) {
    for (std::int64_t event = 0; event < events; ++event) {
      for (auto& column : columns_) column->load(event);
      if (tree_->Fill() < 0) throw std::runtime_error("cannot write events: is the disk full?");
    }
  }

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

  void write_note(const std::string& key, const std::string& text) {
    TObjString note(text.c_str());
    file_->WriteTObject(&note, key.c_str());
  }

  void close() {
    file_->cd();
    tree_->Write();
    file_->Close();
    if (file_->TestBit(TFile::kWriteError)) throw std::runtime_error("cannot write the file: is the disk full?");
  }

 private:
  std::unique_ptr<TFile> file_;
  TTree* tree_ = nullptr;
  std::vector<std::unique_ptr<Column>> columns_;
};

}  // namespace hepcol_samples
