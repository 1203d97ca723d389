// Writes blocks of flat rows as a tree of NanoAOD: arrays of a length that another branch tells.
#include <algorithm>

#include "TBranch.h"
#include "tree_writer.hpp"

namespace hepcol_jets {

using namespace hepcol_samples;

// An array: the rows of event k are offsets[k] up to offsets[k + 1]; the counter is a branch in front of it.
template <class Row>
class ArrayOf final : public Column {
 public:
  ArrayOf(char code, const std::string& counter) : code_(code), counter_(counter), values_(1) {}
  void attach(TTree& tree, const char* name, int basket_size) override {
    const std::string leaf = std::string(name) + "[" + counter_ + "]/" + code_;
    branch_ = tree.Branch(name, values_.data(), leaf.c_str(), basket_size);
  }
  void load(std::int64_t event) override {
    const Row* first = static_cast<const Row*>(rows);
    const std::size_t size = offsets[event + 1] - offsets[event];
    if (size > values_.size()) {
      values_.resize(size);
      branch_->SetAddress(values_.data());
    }
    std::copy_n(first + offsets[event], size, values_.begin());
  }
  std::size_t row_size() const override { return sizeof(Row); }

 private:
  char code_;
  std::string counter_;
  std::vector<Row> values_;
  TBranch* branch_ = nullptr;
};

class EventWriter final : public TreeWriter {
 public:
  using TreeWriter::TreeWriter;

  void describe(const std::string& tree, const std::string& branch, const std::string& title) {
    file_->Get<TTree>(tree.c_str())->GetBranch(branch.c_str())->SetTitle(title.c_str());
  }

  void write_runs(UInt_t run, Long64_t count, Double_t sum, Double_t sum_of_squares) {
    TTree runs("Runs", "Runs");
    runs.SetDirectory(file_.get());
    runs.Branch("run", &run, "run/i");
    runs.Branch("genEventCount", &count, "genEventCount/L")->SetTitle("event count");
    runs.Branch("genEventSumw", &sum, "genEventSumw/D")->SetTitle("sum of gen weights");
    runs.Branch("genEventSumw2", &sum_of_squares, "genEventSumw2/D")->SetTitle("sum of gen (weight^2)");
    runs.Fill();
    file_->cd();
    runs.Write();
  }

 protected:
  std::unique_ptr<Column> make_column(const std::string& type) const override {
    if (type == "float") return std::make_unique<NumberOf<float>>('F');
    if (type == "uint32_t") return std::make_unique<NumberOf<std::uint32_t>>('i');
    if (type == "uint64_t") return std::make_unique<NumberOf<std::uint64_t>>('l');
    const std::size_t bracket = type.find('[');
    if (bracket != std::string::npos && type.back() == ']') {
      const std::string row = type.substr(0, bracket);
      const std::string counter = type.substr(bracket + 1, type.size() - bracket - 2);
      if (row == "float") return std::make_unique<ArrayOf<float>>('F', counter);
      if (row == "int32_t") return std::make_unique<ArrayOf<std::int32_t>>('I', counter);
    }
    throw std::invalid_argument("no column of type " + type);
  }
};

}  // namespace hepcol_jets
