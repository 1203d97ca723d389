// The action of `action` and `equal`: what Histo2D would do for every value, it does for blocks of 128 pairs.
#pragma once

#include "smearing_block.hpp"

#include <ROOT/RDataFrame.hxx>
#include <TTreeReader.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace study {

class Fill : public ROOT::Detail::RDF::RActionImpl<Fill> {
public:
   using Result_t = std::vector<long long>;
   using MakeSmearing = std::function<std::unique_ptr<Smearing>(unsigned slot)>;

   // `flat`: of a flat file, which has the entry as a column.
   Fill(unsigned slots, int variations, const MakeSmearing &make, bool flat)
      : flat(flat), slots(slots), result(std::make_shared<Result_t>(cells(variations))) {
      for (unsigned k = 0; k < slots; ++k) {
         this->slots[k].smearing = make(k);
         this->slots[k].counts.resize(cells(variations));
      }
   }
   Fill(Fill &&) = default;

   std::shared_ptr<Result_t> GetResultPtr() const { return result; }
   std::string GetActionName() const { return "Smear"; }
   void Initialize() {}
   void InitTask(TTreeReader *reader, unsigned slot) { slots[slot].reader = flat ? nullptr : reader; }

   void Exec(unsigned slot, const Pair &pair) {
      Slot &own = slots[slot];
      own.block.add(pair);
      // the entry in the file: with threads, rdfentry_ only numbers events in the order in which tasks start
      if (own.reader) own.set_entry(own.reader->GetCurrentEntry());
      if (own.block.n == block_size) own.flush();
   }

   void Finalize() {
      for (Slot &slot : slots) {
         slot.flush();
         for (std::size_t k = 0; k < result->size(); ++k) (*result)[k] += slot.counts[k];
      }
   }

private:
   struct Slot {
      TTreeReader *reader = nullptr;
      std::unique_ptr<Smearing> smearing;
      Block block;
      Counts counts;

      void set_entry(std::uint64_t entry) {
         block.low[block.n - 1] = static_cast<std::uint32_t>(entry);
         block.high[block.n - 1] = static_cast<std::uint32_t>(entry >> 32);
      }
      void flush() {
         if (block.n) smearing->fill(block, counts);
         block.n = 0;
      }
   };

   static std::size_t cells(int variations) { return std::size_t(variations) * n_histograms * n_cells; }

   bool flat;
   std::vector<Slot> slots;
   std::shared_ptr<Result_t> result;
};

}  // namespace study
