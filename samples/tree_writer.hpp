// Columns of flat rows as branches of a tree. A sample's writer.cpp includes this, and says which types it has.
#pragma once
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "TFile.h"
#include "TObjString.h"
#include "TTree.h"

namespace hepcol_samples {

// One branch; its rows are flat, and offsets tell which belong to an event.
class Column {
 public:
  virtual ~Column() = default;
  virtual void attach(TTree& tree, const char* name) = 0;
  virtual void load(std::int64_t event) = 0;
  virtual std::size_t row_size() const = 0;

  const void* rows = nullptr;
  const std::int64_t* offsets = nullptr;        // of events; of lists, of events into the lists
  const std::int64_t* inner_offsets = nullptr;  // of lists into the rows
};

// A vector: the rows of event k are offsets[k] up to offsets[k + 1].
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

// A number: the row of event k is row k. Its leaf, of the type that ROOT has the code for, has the last part of the name.
template <class Row>
class NumberOf final : public Column {
 public:
  explicit NumberOf(char code) : code_(code) {}
  void attach(TTree& tree, const char* name) override {
    const std::string full(name);
    const std::string leaf = full.substr(full.rfind('.') + 1) + "/" + code_;
    tree.Branch(name, &value_, leaf.c_str());
  }
  void load(std::int64_t event) override { value_ = static_cast<const Row*>(rows)[event]; }
  std::size_t row_size() const override { return sizeof(Row); }

 private:
  char code_;
  Row value_{};
};

// A vector of vectors.
template <class Row>
class ListsOf final : public Column {
 public:
  void attach(TTree& tree, const char* name) override { tree.Branch(name, &values_); }
  void load(std::int64_t event) override {
    const Row* first = static_cast<const Row*>(rows);
    values_.resize(offsets[event + 1] - offsets[event]);
    for (std::size_t list = 0; list < values_.size(); ++list) {
      const std::int64_t position = offsets[event] + list;
      values_[list].assign(first + inner_offsets[position], first + inner_offsets[position + 1]);
    }
  }
  std::size_t row_size() const override { return sizeof(Row); }

 private:
  std::vector<std::vector<Row>> values_;
};

class TreeWriter {
 public:
  TreeWriter(const std::string& url, const std::string& tree, const std::string& title, int compression)
      : file_(TFile::Open(url.c_str(), "RECREATE", "", compression)) {
    if (!file_ || file_->IsZombie()) throw std::runtime_error("cannot write " + url);
    tree_ = new TTree(tree.c_str(), title.c_str());  // the file owns it
    tree_->SetDirectory(file_.get());
  }
  virtual ~TreeWriter() = default;

  void add(const std::string& name, const std::string& type) {
    columns_.push_back(make_column(type));
    columns_.back()->attach(*tree_, name.c_str());
  }

  // Addresses come as integers because that is what numpy gives for any dtype; 0 where there are no offsets.
  void set(std::size_t column, std::uintptr_t rows, std::uintptr_t offsets, std::uintptr_t inner_offsets,
           std::size_t row_size) {
    if (columns_.at(column)->row_size() != row_size) throw std::invalid_argument("row sizes differ");
    columns_[column]->rows = reinterpret_cast<const void*>(rows);
    columns_[column]->offsets = reinterpret_cast<const std::int64_t*>(offsets);
    columns_[column]->inner_offsets = reinterpret_cast<const std::int64_t*>(inner_offsets);
  }

  void fill(std::int64_t events) {
    for (std::int64_t event = 0; event < events; ++event) {
      for (auto& column : columns_) column->load(event);
      if (tree_->Fill() < 0) throw std::runtime_error("cannot write events: is the disk full?");
    }
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

 protected:
  virtual std::unique_ptr<Column> make_column(const std::string& type) const = 0;

  std::unique_ptr<TFile> file_;

 private:
  TTree* tree_ = nullptr;
  std::vector<std::unique_ptr<Column>> columns_;
};

}  // namespace hepcol_samples
