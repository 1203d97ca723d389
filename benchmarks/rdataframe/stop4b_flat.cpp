// The stop 4-body analysis on flat trees, compiled ahead.
#include "stop4b_call.hpp"
#include "stop4b_cuts.hpp"

#include <ROOT/RDFHelpers.hxx>
#include <TKey.h>

namespace stop4b {

struct Dataset {
   std::string sample, variation, tree;
   std::vector<std::string> paths;
};
using Datasets = std::vector<Dataset>;

std::string sample_of(const std::vector<std::string> &trees) {
   for (const auto &tree : trees)
      for (const std::string suffix : {"_WEIGHTS", "_NONE"})
         if (tree.size() > suffix.size() && tree.substr(tree.size() - suffix.size()) == suffix)
            return tree.substr(0, tree.size() - suffix.size());
   return "";
}

Datasets find(const Options &options) {
   std::map<std::string, Dataset> found;
   for (const auto &path : options.paths) {
      std::vector<std::string> trees;
      const auto file = open(path);
      for (const auto *key : ROOT::Detail::TRangeStaticCast<TKey>(file->GetListOfKeys()))
         if (key->GetClassName() == std::string("TTree")) trees.emplace_back(key->GetName());
      const std::string sample = sample_of(trees);
      if (sample.empty()) throw std::runtime_error(path + " has no nominal tree");
      for (const auto &tree : trees) {
         const std::string suffix = tree.substr(sample.size() + 1);
         auto &dataset = found[tree];
         dataset.sample = sample;
         dataset.variation = suffix == "WEIGHTS" || suffix == "NONE" ? nominal : suffix;
         dataset.tree = tree;
         dataset.paths.push_back(path);
      }
   }
   Datasets datasets;
   for (const auto &[tree, dataset] : found) datasets.push_back(dataset);
   return datasets;
}

struct Booked {
   Datasets datasets;
   Columns weights;
   ROOT::RDF::RResultPtr<TH1D> cells;
   ROOT::RDF::RResultPtr<ULong64_t> rows;

   void fill(Outcome &outcome, const Options &options) {
      const int width = 1 + weights.size();
      outcome.rows += *rows;
      for (std::size_t d = 0; d < datasets.size(); ++d)
         for (int r = 0; r < n_regions; ++r)
            for (int k = 1; k < width; ++k) {
               const auto &name = weights[k - 1] == nominal ? datasets[d].variation : weights[k - 1];
               if (!options.asks_for(name)) continue;
               outcome.yields[datasets[d].sample][name][regions[r]] = read(*cells, (d * n_regions + r) * width + 1, k);
            }
   }
};

// Book one graph for the trees of a kind that have the same weights. The trees are read one after another.
template <class Kind, int n_variations> void book(const Datasets &datasets, std::vector<Booked> &booked) {
   if (datasets.empty()) return;
   ROOT::RDF::Experimental::RDatasetSpec specification;
   for (std::size_t n = 0; n < datasets.size(); ++n) {
      ROOT::RDF::Experimental::RMetaData facts;
      facts.Add("dataset", static_cast<int>(n));
      specification.AddSample({datasets[n].tree, datasets[n].tree, datasets[n].paths, facts});
   }
   Columns weights{nominal}, columns = Kind::factors();
   columns.resize(n_variations ? Kind::n_factors : Kind::n_in_weight);
   if (n_variations) {
      const auto varied = Kind::variations();
      weights.insert(weights.end(), varied.begin(), varied.end());
      columns.insert(columns.end(), varied.begin(), varied.end());
   }
   constexpr int n_columns = n_variations ? Kind::n_factors + n_variations : Kind::n_in_weight;
   const int width = 1 + weights.size(), n_cells = datasets.size() * n_regions * width;
   ROOT::RDataFrame all(specification);
   auto rows = all.Count();
   auto frame = all.DefinePerSample("dataset", [](unsigned, const ROOT::RDF::RSampleInfo &info) {
                      return info.GetI("dataset");
                   })
                   .Filter(passes_first, first_columns())
                   .Filter(Kind::passes, Kind::columns())
                   .Define("regions", regions_of, region_columns())
                   .Define("cells",
                           [width](int dataset, const Regions &regions) {
                              return cells_of(dataset, regions, n_regions, width);
                           },
                           {"dataset", "regions"});
   const auto fill = [&](auto weighed) {
      auto cells = weighed.template Histo1D<ROOT::RVecI, ROOT::RVecD>(
         {"cells", "", n_cells, -0.5, n_cells - 0.5}, "cells", "weights");
      booked.push_back({datasets, weights, cells, rows});
   };
   if constexpr (n_columns == 0) {
      fill(frame.Define("weights", [](const Regions &regions) { return weigh<Kind>(1., {}, regions, 0); }, {"regions"}));
   } else {
      fill(frame
              .Define("factors", ROOT::RDF::PassAsVec<n_columns, float>([](const Factors &read) { return read; }), columns)
              .Define("weights",
                      [](double weight, const Factors &factors, const Regions &regions) {
                         return weigh<Kind>(weight, factors, regions, n_variations);
                      },
                      {"weight", "factors", "regions"}));
   }
}

// Trees of a kind that are asked for: those whose weights are varied as well, or the others.
template <class Kind> Datasets choose(const Datasets &datasets, const Options &options, bool varied) {
   const auto variations = Kind::variations();
   const bool asks_for_weights =
      std::any_of(variations.begin(), variations.end(), [&](const auto &name) { return options.asks_for(name); });
   Datasets chosen;
   for (const auto &dataset : datasets) {
      if (!Kind::has(dataset.sample)) continue;
      const bool is_varied = dataset.variation == nominal && asks_for_weights;
      if (is_varied == varied && (is_varied || options.asks_for(dataset.variation))) chosen.push_back(dataset);
   }
   return chosen;
}

template <class Kind> void book_kind(const Datasets &datasets, const Options &options, std::vector<Booked> &booked) {
   book<Kind, 0>(choose<Kind>(datasets, options, false), booked);
   if constexpr (Kind::n_variations > 0)
      book<Kind, Kind::n_variations>(choose<Kind>(datasets, options, true), booked);
}

Outcome run(const Options &options) {
   const Datasets datasets = find(options);
   std::vector<Booked> booked;
   book_kind<Prompt>(datasets, options, booked);
   book_kind<Fakes>(datasets, options, booked);
   book_kind<Data>(datasets, options, booked);
   std::vector<ROOT::RDF::RResultHandle> handles;
   for (auto &graph : booked) handles.emplace_back(graph.cells);
   ROOT::RDF::RunGraphs(handles);
   Outcome outcome;
   for (auto &graph : booked) graph.fill(outcome, options);
   return outcome;
}

}  // namespace stop4b
