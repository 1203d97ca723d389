// What the compiled passes of the stop 4-body analysis have in common: samples, weights and what is counted.
#pragma once

#include <ROOT/RDataFrame.hxx>
#include <ROOT/RVec.hxx>
#include <TFile.h>
#include <TH1D.h>

#include <array>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace stop4b {

using Columns = ROOT::RDF::ColumnNames_t;
using Regions = ROOT::RVecI;
using Factors = std::vector<float>;

const std::string nominal = "nominal";

// What is asked for: files, and names of variations, all if there are none.
struct Options {
   std::vector<std::string> paths;
   std::set<std::string> variations;

   bool asks_for(const std::string &variation) const { return variations.empty() || variations.count(variation); }
};

struct Yield {
   double number, weights, squares;
};

// By sample, variation and region.
struct Outcome {
   std::map<std::string, std::map<std::string, std::map<std::string, Yield>>> yields;
   unsigned long long rows = 0;
};

inline std::unique_ptr<TFile> open(const std::string &path) {
   std::unique_ptr<TFile> file{TFile::Open(path.c_str())};
   if (!file || file->IsZombie()) throw std::runtime_error("cannot open " + path);
   return file;
}

inline bool starts_with(const std::string &text, const std::string &start) { return text.rfind(start, 0) == 0; }

// The weights of a row, one after another for each region that it is in; before them 1, which counts rows.
// `factors` are those in the weight, the others, and the variations, each of which replaces its factor or scales the
// weight by a ratio.
template <class Kind>
ROOT::RVecD weigh(double weight, const Factors &factors, const Regions &regions, int n_variations) {
   double total = weight;
   for (int k = 0; k < Kind::n_in_weight; ++k) total *= factors[k];
   ROOT::RVecD weights{1., total};
   for (int n = 0; n < n_variations; ++n) {
      const double varied = factors[Kind::n_factors + n];
      const int factor = Kind::varied[n];
      if (factor < Kind::n_in_weight) {
         double product = weight;
         for (int k = 0; k < Kind::n_in_weight; ++k) product *= k == factor ? varied : double{factors[k]};
         weights.push_back(product);
      } else {
         weights.push_back(total * (factors[factor] == 0 ? 1. : varied / factors[factor]));
      }
   }
   return ROOT::VecOps::Take(weights, ROOT::VecOps::Range(regions.size() * weights.size()) % weights.size());
}

// The bins that a row fills: of each of its regions, as many as there are weights.
inline ROOT::RVecI cells_of(int dataset, const Regions &regions, int n_regions, int width) {
   ROOT::RVecI cells;
   for (const int region : regions)
      for (int k = 0; k < width; ++k) cells.push_back((dataset * n_regions + region) * width + k);
   return cells;
}

inline Yield read(TH1D &cells, int first, int k) {
   const double content = cells.GetBinContent(first + k);
   // ROOT keeps no squares while all weights are 1
   return {cells.GetBinContent(first), content, cells.GetSumw2N() ? cells.GetSumw2()->At(first + k) : content};
}

}  // namespace stop4b
