// The stop 4-body analysis from objects, compiled ahead: one loop, in which RDataFrame varies the momenta.
#include "stop4b_call.hpp"
#include "stop4b_objects.hpp"

#include <ROOT/RDFHelpers.hxx>
#include <TObjString.h>

#include <regex>

namespace stop4b {

struct Dataset {
   std::string sample;
   std::vector<std::string> paths;
};
using Datasets = std::vector<Dataset>;

// What a file says of itself.
std::string sample_of(const std::string &path) {
   const auto file = open(path);
   const auto *note = file->Get<TObjString>("hepcol_sample");
   if (!note) throw std::runtime_error(path + " does not say which sample it is of");
   const std::string text = note->GetString().Data();
   std::smatch match;
   if (!std::regex_search(text, match, std::regex("\"sample\": \"([^\"]*)\"")))
      throw std::runtime_error("the note in " + path + " has no sample");
   return match[1];
}

Datasets find(const Options &options) {
   std::map<std::string, Dataset> found;
   for (const auto &path : options.paths) {
      const auto sample = sample_of(path);
      if (Fakes::has(sample)) throw std::runtime_error(path + ": events of fakes have no fake weight");
      found[sample].sample = sample;
      found[sample].paths.push_back(path);
   }
   Datasets datasets;
   for (const auto &[sample, dataset] : found) datasets.push_back(dataset);
   return datasets;
}

// Variations of a table that are asked for.
template <class Change, std::size_t size>
std::vector<Variation<Change>> choose(const Variation<Change> (&table)[size], const Options &options) {
   std::vector<Variation<Change>> chosen;
   for (const auto &variation : table)
      if (options.asks_for(variation.name)) chosen.push_back(variation);
   return chosen;
}

template <class Change> Columns names_of(const std::vector<Variation<Change>> &variations) {
   Columns names;
   for (const auto &variation : variations) names.emplace_back(variation.name);
   return names;
}

using Frame = ROOT::RDF::RNode;

Frame define_objects(Frame frame) {
   const auto columns = [](const std::string &collection, const std::vector<std::string> &names) {
      Columns found;
      for (const auto &name : names) found.push_back(collection + "_" + name);
      return found;
   };
   const auto leptons = [](double max_eta, double max_d0sig) {
      return [=](const ROOT::RVecF &eta, const ROOT::RVecF &phi, const ROOT::RVecF &truth_pt,
                 const ROOT::RVec<char> &charge, const ROOT::RVec<char> &iff, const ROOT::RVecB &medium,
                 const ROOT::RVecB &isolated, const ROOT::RVecF &d0sig) {
         return make_leptons(eta, phi, truth_pt, charge, iff, medium, isolated, d0sig, max_eta, max_d0sig);
      };
   };
   const std::vector<std::string> of_leptons{"eta", "phi", "truth_pt", "charge", "iff", "isMedium", "isIso", "d0sig"};
   const auto in_double = [](const ROOT::RVecF &pt) { return Momenta(pt.begin(), pt.end()); };
   const auto as_double = [](float value) { return double{value}; };
   return frame.Define("electrons", leptons(2.47, 5), columns("Electron", of_leptons))
      .Define("muons", leptons(2.4, 3), columns("Muon", of_leptons))
      .Define("jets", make_jets, columns("Jet", {"pt", "eta", "phi", "m", "flavour", "ntrk", "isb", "passJvt"}))
      .Define("electron_pt", in_double, {"Electron_pt"})
      .Define("muon_pt", in_double, {"Muon_pt"})
      .Define("jet_pt", in_double, {"Jet_pt"})
      .Define("soft_x", as_double, {"soft_px"})
      .Define("soft_y", as_double, {"soft_py"});
}

const Columns selecting{"electrons", "muons", "jets", "electron_pt", "muon_pt", "jet_pt", "soft_x", "soft_y"};

Frame vary_leptons(Frame frame, const std::vector<Variation<ChangeLepton>> &variations, const std::string &name) {
   if (variations.empty()) return frame;
   return frame.Vary(
      name + "_pt",
      [variations](const Leptons &leptons, const Momenta &pt) {
         ROOT::RVec<Momenta> varied(variations.size(), pt);
         for (std::size_t v = 0; v < variations.size(); ++v)
            for (std::size_t n = 0; n < pt.size(); ++n) varied[v][n] = variations[v].change(leptons[n], pt[n]);
         return varied;
      },
      {name + "s", name + "_pt"}, names_of(variations), name);
}

Frame vary_jets(Frame frame, const std::vector<Variation<ChangeJet>> &variations) {
   if (variations.empty()) return frame;
   return frame.Vary(
      "jet_pt",
      [variations](const Jets &jets, const Momenta &pt, ULong64_t event) {
         const auto draws = draw_for_jets(event, jets.size());
         ROOT::RVec<Momenta> varied(variations.size(), pt);
         for (std::size_t v = 0; v < variations.size(); ++v)
            for (std::size_t n = 0; n < pt.size(); ++n)
               varied[v][n] = variations[v].change(jets[n], pt[n], draws[n]);
         return varied;
      },
      {"jets", "jet_pt", "eventNumber"}, names_of(variations), "jet");
}

Frame vary_soft_term(Frame frame, const std::vector<Variation<ChangeSoftTerm>> &variations) {
   if (variations.empty()) return frame;
   return frame.Vary(
      {"soft_x", "soft_y"},
      [variations](double x, double y, const Selected &nominally, ULong64_t event) {
         const Transverse hard = nominally.hard;
         const double length = hard.length();
         const Transverse along = length > 0 ? Transverse{hard.x / length, hard.y / length} : Transverse{1., 0.};
         const auto z = zee::normals(event, 0, 0, soft_term_key);
         ROOT::RVec<ROOT::RVecD> varied(2);
         for (const auto &variation : variations) {
            const auto soft = variation.change({x, y}, along, z);
            varied[0].push_back(soft.x);
            varied[1].push_back(soft.y);
         }
         return varied;
      },
      {"soft_x", "soft_y", "nominally", "eventNumber"}, names_of(variations), "soft_term");
}

Frame vary(Frame frame, const Options &options) {
   frame = frame.Define("nominally", select, selecting);  // before anything varies
   frame = vary_leptons(frame, choose(electron_variations, options), "electron");
   frame = vary_leptons(frame, choose(muon_variations, options), "muon");
   frame = vary_jets(frame, choose(jet_variations, options));
   return vary_soft_term(frame, choose(soft_term_variations, options));
}

// Fill a histogram with the weights of the rows that pass, and some of their variations.
template <class Kind, int n_variations> ROOT::RDF::RResultPtr<TH1D> fill(Frame frame, int n_datasets) {
   constexpr int width = 2 + n_variations;
   constexpr int n_columns = n_variations ? Kind::n_factors + n_variations : Kind::n_in_weight;
   const int n_cells = n_datasets * n_regions * width;
   const auto histogram = [&](auto weighed) {
      return weighed
         .Define("cells",
                 [](int dataset, const Regions &regions) { return cells_of(dataset, regions, n_regions, width); },
                 {"dataset", "regions"})
         .template Histo1D<ROOT::RVecI, ROOT::RVecD>({"cells", "", n_cells, -0.5, n_cells - 0.5}, "cells", "weights");
   };
   if constexpr (n_columns == 0) {
      return histogram(
         frame.Define("weights", [](const Regions &regions) { return weigh<Kind>(1., {}, regions, 0); }, {"regions"}));
   } else {
      Columns columns = Kind::factors();
      columns.resize(n_variations ? Kind::n_factors : Kind::n_in_weight);
      const auto varied = Kind::variations();
      if (n_variations) columns.insert(columns.end(), varied.begin(), varied.end());
      return histogram(
         frame
            .Define("factors", ROOT::RDF::PassAsVec<n_columns, float>([](const Factors &read) { return read; }), columns)
            .Define("weights",
                    [](double weight, const Factors &factors, const Regions &regions) {
                       return weigh<Kind>(weight, factors, regions, n_variations);
                    },
                    {"weight", "factors", "regions"}));
   }
}

void read_all(TH1D &cells, const Datasets &datasets, const Columns &names, const Options &options, Outcome &outcome) {
   const int width = 1 + names.size();
   for (std::size_t d = 0; d < datasets.size(); ++d)
      for (int r = 0; r < n_regions; ++r)
         for (int k = 1; k < width; ++k)
            if (options.asks_for(names[k - 1]))
               outcome.yields[datasets[d].sample][names[k - 1]][regions[r]] =
                  read(cells, (d * n_regions + r) * width + 1, k);
}

template <class Kind> void run_kind(const Datasets &all, const Options &options, Outcome &outcome) {
   Datasets datasets;
   for (const auto &dataset : all)
      if (Kind::has(dataset.sample)) datasets.push_back(dataset);
   if (datasets.empty()) return;
   ROOT::RDF::Experimental::RDatasetSpec specification;
   for (std::size_t n = 0; n < datasets.size(); ++n) {
      ROOT::RDF::Experimental::RMetaData facts;
      facts.Add("dataset", static_cast<int>(n));
      specification.AddSample({datasets[n].sample, "events", datasets[n].paths, facts});
   }
   const Columns observing{"electrons", "muons", "jets", "electron_pt", "muon_pt", "jet_pt", "selected"};
   Columns with_flags = observing;
   with_flags.insert(with_flags.end(), {"passBadEvents", "MET_trigger"});

   ROOT::RDataFrame events(specification);
   auto rows = events.Count();
   // ROOT 6.40 aborts where a variation takes a column of DefinePerSample: it gets a copy of the column
   Frame frame = events
                    .DefinePerSample("sample_number",
                                     [](unsigned, const ROOT::RDF::RSampleInfo &info) { return info.GetI("dataset"); })
                    .Define("dataset", [](int number) { return number; }, {"sample_number"});
   frame = define_objects(frame);
   if (Kind::n_variations > 0) frame = vary(frame, options);
   frame = frame.Define("selected", select, selecting)
              .Filter(passes_skim_and_first, {"selected"})
              .Define("row", observe, with_flags)
              .Filter(Kind::template passes_row<Row>, {"row"})
              .Define("regions", regions_of_row<Row>, {"row"});
   auto cells = fill<Kind, 0>(frame, datasets.size());
   auto weighed = fill<Kind, Kind::n_variations>(frame, datasets.size());
   auto varied = ROOT::RDF::Experimental::VariationsFor(cells);
   for (const auto &key : varied.GetKeys()) {
      const auto name = key.substr(key.find(':') + 1);
      read_all(varied[key], datasets, {name}, options, outcome);
   }
   Columns names = Kind::variations();
   names.insert(names.begin(), nominal);
   read_all(*weighed, datasets, names, options, outcome);
   outcome.rows += *rows;
}

Outcome run(const Options &options) {
   const Datasets datasets = find(options);
   Outcome outcome;
   run_kind<Prompt>(datasets, options, outcome);
   run_kind<Data>(datasets, options, outcome);
   return outcome;
}

}  // namespace stop4b
